/*
 * jm.h: what every part of libjwtmap shares: the string view, the limits
 * with their units, forward declarations. No function with a side effect.
 *
 * libjwtmap is the core of mod_jwtmap: APR, OpenSSL and json-c, no httpd
 * header. It has no global state and, while a request runs, no clock and no
 * I/O: time and pools come in as parameters.
 */
#ifndef JM_H
#define JM_H

#include <string.h>

#include <apr.h>
#include <apr_errno.h>
#include <apr_hash.h>
#include <apr_pools.h>
#include <apr_strings.h>
#include <apr_tables.h>

#define JM_VERSION "0.1.0"

/* Octets with a length; may hold NUL. ptr may be NULL only when len is 0.
 * Whoever hands one out says how long ptr stays valid. */
typedef struct jm_str_t {
    const char *ptr;
    apr_size_t len;
} jm_str_t;

/* Limits. Octets unless the name says otherwise. */
#define JM_TOKEN_MAX 16384            /* compact JWS as received */
#define JM_JOSE_HEADER_MAX 4096       /* JOSE header after base64url */
#define JM_JSON_DEPTH_MAX 32          /* nested arrays and objects */
#define JM_TABLE_FILE_MAX (64 << 20)  /* route table file */
#define JM_KEY_FILE_MAX (1 << 20)     /* key, secret or JWKS file */
#define JM_RSA_BITS_MIN 2048          /* bits of the modulus, RFC 7518 3.3 */
#define JM_RSA_BITS_MAX 8192
#define JM_RSA_EXPONENT_BITS_MAX 64
#define JM_LEEWAY_DEFAULT 10          /* seconds */
#define JM_VALUE_MAX_DEFAULT 4096     /* one mapped value */
#define JM_VALUE_MAX_LIMIT 65536      /* the most that max_bytes may say */
#define JM_NOTES_MAX 64               /* claims exported as notes, a count */
#define JM_NOTE_VALUE_MAX 1024        /* one exported note */
#define JM_LOG_KID_MAX 64             /* of a kid shown in a log line */

typedef struct jm_json_t jm_json_t;
typedef struct jm_diags_t jm_diags_t;
typedef struct jm_alg_t jm_alg_t;
typedef struct jm_key_t jm_key_t;
typedef struct jm_keyset_t jm_keyset_t;
typedef struct jm_remote_t jm_remote_t;
typedef struct jm_slot_t jm_slot_t;
typedef struct jm_value_t jm_value_t;
typedef struct jm_watch_t jm_watch_t;
typedef struct jm_route_t jm_route_t;
typedef struct jm_authorizer_t jm_authorizer_t;
typedef struct jm_table_t jm_table_t;
typedef struct jm_request_t jm_request_t;
typedef struct jm_token_t jm_token_t;
typedef struct jm_decision_t jm_decision_t;

/* A view of a C string (NULL gives the empty view); valid as long as s. */
static inline jm_str_t jm_str(const char *s)
{
    jm_str_t v = { s, s ? strlen(s) : 0 };
    return v;
}

/* A view of len octets at ptr. */
static inline jm_str_t jm_strn(const char *ptr, apr_size_t len)
{
    jm_str_t v = { ptr, len };
    return v;
}

/* 1 if both hold the same octets. Not for secrets: not constant in time. */
static inline int jm_str_eq(jm_str_t a, jm_str_t b)
{
    return a.len == b.len
           && (a.len == 0
               || (*a.ptr == *b.ptr && !memcmp(a.ptr, b.ptr, a.len)));
}

/* 1 if a holds exactly the octets of the C string s. */
static inline int jm_str_is(jm_str_t a, const char *s)
{
    return jm_str_eq(a, jm_str(s));
}

/* A copy in p with a NUL behind it that len does not count. */
static inline jm_str_t jm_str_dup(apr_pool_t *p, jm_str_t s)
{
    return jm_strn(s.len ? apr_pstrmemdup(p, s.ptr, s.len) : "", s.len);
}

#endif
