/*
 * jm_table.h: the compiled route table: plain immutable data. jm_compile is
 * its only builder; requests see it as const, from any thread. Lives in the
 * pool it was built in, with all that it points to.
 */
#ifndef JM_TABLE_H
#define JM_TABLE_H

#include "jm.h"
#include "jm_alg.h"
#include "jm_claims.h"
#include "jm_expr.h"
#include "jm_jwk.h"
#include "jm_query.h"

/* Where an authorizer looks for the credential in a header field. */
typedef struct jm_source_t {
    const char *header;        /* field name */
    jm_str_t prefix;           /* octets before the token: "Bearer " */
    int bearer;                /* 1: Authorization with the Bearer scheme of
                                * RFC 6750 2.1 (scheme without regard to case);
                                * prefix is not used */
} jm_source_t;

struct jm_authorizer_t {
    const char *name;
    jm_policy_t policy;
    const jm_keyset_t *keys;   /* for good; NULL where key_slot is not */
    jm_slot_t *key_slot;       /* const jm_keyset_t of a file or URL, empty as
                                * long as there is none; or NULL */
    const jm_remote_t *remote; /* key_slot is filled from there; or NULL */
    jm_slot_t *revoked_slot;   /* const jm_revoked_t; NULL: no list */
    const char *key_source;    /* the member they are from: "jwks_file" */
    jm_algs_t algs;            /* allowed */
    const jm_source_t *headers;
    unsigned header_count;     /* default one: Authorization, bearer */
    const char *const *cookies;
    unsigned cookie_count;
    jm_path_t user_claim;
    const char *user_name;     /* user_claim as written */
};

typedef struct jm_mapping_t {
    const char *name;          /* header field or query name, as written */
    const jm_value_t *value;
    int reserved;              /* a request header that no client may send */
} jm_mapping_t;

typedef enum jm_auth_e {
    JM_AUTH_REQUIRED = 0,
    JM_AUTH_OPTIONAL,
    JM_AUTH_NONE
} jm_auth_e;

/* Upstream of an own route. */
typedef struct jm_server_t {
    const char *alias;
    const char *url;           /* as configured, no slash at its end unless
                                * that is its whole path; may be unix:… or
                                * balancer://… */
    const char *scheme;        /* lower case, of the part after unix:…| */
} jm_server_t;

typedef struct jm_cors_t {
    const char *const *origins;   /* globs: `*` stands for anything but / : */
    unsigned origin_count;
    int any_origin;               /* a lone "*" is among them */
    const char *methods;          /* "GET, POST", or NULL: those of the path */
    const char *headers;          /* field value, or NULL: none */
    int echo_headers;             /* allow_headers is "*" with credentials:
                                   * the requested names are echoed */
    const char *expose;           /* field value, or NULL */
    int credentials;
    int max_age;                  /* seconds, -1: not sent */
} jm_cors_t;

struct jm_route_t {
    const char *id;            /* "GET /proxy/{.+}": log, note jwtmap.route */
    unsigned index;            /* its place in the table's routes */
    const char *path;          /* as written */
    const char *const *methods;/* names; any_method: not looked at */
    unsigned method_count;
    int any_method;
    jm_auth_e auth;
    const jm_authorizer_t *const *authorizers; /* that it may choose among */
    unsigned authorizer_count;
    apr_hash_t *issuers;       /* of several: iss -> the one; else NULL */
    const jm_authorizer_t *const *searched; /* those of them that have all the
                                * sources of the others, too */
    unsigned searched_count;
    const jm_require_t *require;
    unsigned require_count;
    const jm_server_t *server; /* NULL: the request goes where httpd sends it */
    int tail;                  /* path ends in {.+} */
    const char *prefix;        /* literal prefix that an own route with a
                                * literal path and {.+} drops ("/proxy"), ""
                                * for "/{.+}"; NULL: the path goes up whole */
    jm_str_t response;         /* JSON text; ptr NULL: none */
    int not_implemented;       /* answers 501 after its auth */
    int forward_token;
    int strict_path;
    const jm_mapping_t *headers;   /* towards the upstream */
    unsigned header_count;
    const jm_mapping_t *query;
    unsigned query_count;
    const jm_mapping_t *response_headers;
    unsigned response_count;
    const jm_query_names_t *pass;  /* query names it keeps; NULL: none */
    const jm_str_t *params;    /* {names} from the left, without {.+} */
    unsigned param_count;
    const char *const *note_names; /* claim paths that its mappings read, as */
    const jm_path_t *note_paths;   /* written, and parsed: exported as notes */
    unsigned note_count;
};

/* Request headers that are mapped, in every spelling (jm_header.h). */
typedef struct jm_reserved_t {
    apr_hash_t *names;         /* folded name -> first spelling */
    apr_uint32_t first;        /* their first octets: what is not among them */
    apr_uint64_t lengths;      /* or not as long is not in names */
} jm_reserved_t;

typedef struct jm_router_t jm_router_t;

struct jm_table_t {
    const char *file;
    const jm_route_t *const *routes;   /* in file order */
    unsigned route_count;
    const jm_router_t *router;
    const jm_authorizer_t *const *authorizers;
    unsigned authorizer_count;
    const jm_server_t *const *servers; /* those that a route uses */
    unsigned server_count;
    const jm_cors_t *cors;             /* NULL: none */
    const jm_watch_t *const *watches;  /* files that may change */
    unsigned watch_count;
    int unmatched_pass;
    int has_own;               /* a route has an `integration` or a
                                * `response` */
    jm_reserved_t reserved_headers;
    const jm_query_names_t *reserved_query;
};

#endif
