/*
 * jm_compile_state.h: what the parts of one compilation share. Internal:
 * only jm_compile*.c include it. A part reports what is wrong and goes on;
 * what it leaves behind may then be half-done, because no table with an
 * error is ever handed out.
 */
#ifndef JM_COMPILE_STATE_H
#define JM_COMPILE_STATE_H

#include "jm_compile.h"
#include "jm_json.h"
#include "jm_member.h"
#include "jm_subst.h"
#include "jm_watch.h"

/* A server, and who uses it: one that only routes without an implementation
 * name is not read, so that its $env need not be set. */
typedef struct jm_compile_server_t {
    jm_server_t *server;
    const jm_json_t *node;
    int used;                  /* by a route that is served */
    int unserved;              /* by a route that answers 501 */
} jm_compile_server_t;

/* A route, and where it stands. */
typedef struct jm_compile_route_t {
    jm_route_t *route;
    const jm_json_t *node;
    unsigned line;
    int auth_given;            /* `auth` is there and not null */
    jm_query_names_t *query;   /* what it maps; NULL: nothing */
    const jm_item_t *pass;
    unsigned pass_count;
} jm_compile_route_t;

typedef struct jm_compile_t {
    apr_pool_t *p;             /* of the table */
    apr_pool_t *ptemp;
    jm_diags_t *diags;
    jm_subst_t subst;
    const char *folder;        /* that key files are relative to */
    const jm_json_t *root;
    jm_table_t *table;
    int from_origin;           /* the file looks like one of the origin */
    jm_json_t *variables;      /* of the table, in p; NULL: none */
    apr_array_header_t *servers;     /* of jm_compile_server_t */
    apr_hash_t *server_names;        /* alias -> its place + 1, as a pointer */
    apr_array_header_t *authorizers; /* of jm_authorizer_t * */
    apr_array_header_t *watches;     /* of const jm_watch_t *, in p */
    apr_hash_t *authorizer_names;    /* name -> jm_authorizer_t * */
    const jm_authorizer_t *const *standard; /* the default one, an array of
                                             * one; NULL: none */
    apr_array_header_t *routes;      /* of jm_compile_route_t * */
    apr_hash_t *route_of;            /* jm_route_t * -> jm_compile_route_t * */
    jm_query_names_t *mapped_query;  /* of all routes */
    apr_size_t line_offset;          /* how far lines are counted, */
    unsigned line;                   /* and the line there */
} jm_compile_t;

/* What an authorizer's type allows. */
typedef struct jm_compile_kind_t {
    const char *name;
    const char *const *members;  /* NULL-terminated */
    jm_algs_t algs;
    int discovers;               /* 1: without a key source, keys come from
                                  * the provider */
    const char *only_source;     /* the only key source, or NULL: any */
} jm_compile_kind_t;

/* jm_compile_server.c: `servers`. Aliases first, URLs once it is known who
 * uses them. */
void jm_compile_servers(jm_compile_t *c);
void jm_compile_server_urls(jm_compile_t *c);

/* The server of that alias (reported if there is none); used or unserved is
 * noted. */
const jm_server_t *jm_compile_server_find(jm_compile_t *c,
                                          const jm_json_t *node,
                                          jm_str_t alias, int served);

/* jm_compile_auth.c: `authorizer` and `authorizers`. */
void jm_compile_authorizers(jm_compile_t *c);

/* jm_compile_key.c: the keys of an authorizer, whose policy is read already.
 * JM_MEMBER_OK with *palgs: the algorithms that they can serve;
 * JM_MEMBER_WRONG: reported; JM_MEMBER_UNKNOWN: placeholders. */
jm_member_e jm_compile_keys(jm_authorizer_t *a, jm_algs_t *palgs,
                            jm_compile_t *c, const jm_json_t *node,
                            const jm_compile_kind_t *kind);

/* A file of that authorizer, whose name node is, in a slot: read now, and
 * listed in the table to be looked after. */
jm_member_e jm_compile_file_slot(jm_slot_t **pslot, jm_authorizer_t *a,
                                 jm_compile_t *c, const jm_json_t *node,
                                 jm_watch_e kind);

/* jm_compile_remote.c: the same for keys that are fetched; and the members
 * that are for those alone. */
jm_member_e jm_compile_remote(jm_authorizer_t *a, jm_algs_t *palgs,
                              jm_compile_t *c, const jm_json_t *node,
                              const jm_compile_kind_t *kind);
extern const char *const jm_compile_remote_members[];

/* jm_compile_source.c: `from_headers`, `from_cookies`. */
void jm_compile_sources(jm_authorizer_t *authorizer, jm_compile_t *c,
                        const jm_json_t *node);

/* jm_compile_method.c: `method` of a route, and its names elsewhere. */
void jm_compile_methods(jm_route_t *route, jm_compile_t *c,
                        const jm_json_t *node);
int jm_compile_method_known(jm_compile_t *c, const jm_item_t *item);

/* jm_compile_route.c: `paths`. */
void jm_compile_routes(jm_compile_t *c);

/* jm_compile_access.c: `auth` and `require` of a route. */
void jm_compile_access(jm_compile_route_t *r, jm_compile_t *c);

/* jm_compile_mapping.c: `mapping` and `pass` of a route; then what all
 * routes together reserve. */
void jm_compile_mapping(jm_compile_route_t *r, jm_compile_t *c,
                        const jm_names_t *names);
void jm_compile_pass(jm_compile_route_t *r, jm_compile_t *c);
void jm_compile_pass_check(jm_compile_t *c);

/* jm_compile_cors.c: `cors`. */
void jm_compile_cors(jm_compile_t *c);

/* jm_compile_origin.c: 1 if the file looks like one of the origin's; and
 * what then means something else here. */
int jm_compile_origin_like(const jm_json_t *root);
void jm_compile_origin_warn(jm_compile_t *c);

/* 1 if the route's integration is one of the origin that is not served. */
int jm_compile_origin_integration(jm_str_t type);

#endif
