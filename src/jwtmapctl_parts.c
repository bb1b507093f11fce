/*
 * jwtmapctl_parts.c: header and payload of a token that `jwtmapctl token`
 * mints: a base, and over it the other options in the order given. Reads the
 * clock and the file of --payload-raw.
 */
#include "jwtmapctl.h"

#include <apr_lib.h>
#include <apr_time.h>

#include "jm_mint.h"

/* Of a token whose options say nothing about exp. */
#define LIFETIME_DEFAULT "+3600"

typedef enum kind_e {
    KIND_TEXT,               /* the argument is the text of the claim */
    KIND_TIME,               /* SECONDS, or +SECONDS and -SECONDS from now */
    KIND_AUD,
    KIND_NAMED_TEXT,         /* NAME=TEXT */
    KIND_NAMED_JSON          /* NAME=JSON */
} kind_e;

static const struct {
    int code;
    const char *claim;
    kind_e kind;
} claim_options[] = {
    { JWTMAPCTL_OPT_SUB, "sub", KIND_TEXT },
    { JWTMAPCTL_OPT_ISS, "iss", KIND_TEXT },
    { JWTMAPCTL_OPT_AUD, "aud", KIND_AUD },
    { JWTMAPCTL_OPT_EXP, "exp", KIND_TIME },
    { JWTMAPCTL_OPT_NBF, "nbf", KIND_TIME },
    { JWTMAPCTL_OPT_IAT, "iat", KIND_TIME },
    { JWTMAPCTL_OPT_CLAIM, NULL, KIND_NAMED_TEXT },
    { JWTMAPCTL_OPT_CLAIM_JSON, NULL, KIND_NAMED_JSON },
};
#define CLAIM_OPTIONS (sizeof(claim_options) / sizeof(*claim_options))

typedef struct member_t {
    jm_str_t name;
    jm_str_t json;           /* the value's text */
} member_t;

typedef struct object_t {
    const jwtmapctl_t *ctl;
    apr_array_header_t *members;  /* of member_t, each name once */
    apr_int64_t now;
} object_t;

/* As a C string: JSON text holds no NUL. */
static const char *c_str(apr_pool_t *p, jm_str_t s)
{
    return apr_pstrmemdup(p, s.ptr, s.len);
}

static member_t *member_of(const object_t *object, jm_str_t name)
{
    int i;

    for (i = 0; i < object->members->nelts; i++) {
        member_t *member = &APR_ARRAY_IDX(object->members, i, member_t);

        if (jm_str_eq(member->name, name)) {
            return member;
        }
    }
    return NULL;
}

/* Replaces the member in its place, or adds it. */
static void set(object_t *object, jm_str_t name, jm_str_t json)
{
    member_t *member = member_of(object, name);

    if (!member) {
        member = apr_array_push(object->members);
        member->name = name;
    }
    member->json = json;
}

static void unset(object_t *object, jm_str_t name)
{
    member_t *member = member_of(object, name);

    if (member) {
        *member = *(member_t *)apr_array_pop(object->members);
    }
}

static jwtmapctl_exit_e set_text(object_t *object, jm_str_t name,
                                 jm_str_t text)
{
    if (!jm_utf8_valid(name) || !jm_utf8_valid(text)) {
        return jwtmapctl_usage(object->ctl, "a text is not UTF-8");
    }
    set(object, name, jm_json_quote(object->ctl->p, text));
    return JWTMAPCTL_OK;
}

static jwtmapctl_exit_e set_time(object_t *object, const char *claim,
                                 const char *arg)
{
    apr_pool_t *p = object->ctl->p;
    int relative = *arg == '+' || *arg == '-';
    apr_int64_t seconds;

    if (jwtmapctl_seconds(&seconds, *arg == '+' ? arg + 1 : arg)
            != APR_SUCCESS
        || (*arg == '+' && !apr_isdigit(arg[1]))
        || (relative && seconds > APR_INT64_MAX - object->now)) {
        return jwtmapctl_usage(object->ctl, "--%s takes seconds since 1970, "
                               "or +SECONDS or -SECONDS from now", claim);
    }
    seconds += relative ? object->now : 0;
    set(object, jm_str(claim),
        jm_str(apr_psprintf(p, "%" APR_INT64_T_FMT, seconds)));
    return JWTMAPCTL_OK;
}

/* One audience is a string, several are an array (RFC 7519 4.1.3). */
static jwtmapctl_exit_e set_aud(object_t *object)
{
    const jwtmapctl_t *ctl = object->ctl;
    const char *list = NULL;
    int count = 0;
    int i;

    for (i = 0; i < ctl->given->nelts; i++) {
        const jwtmapctl_given_t *given = &APR_ARRAY_IDX(ctl->given, i,
                                                        jwtmapctl_given_t);
        const char *one;

        if (given->code != JWTMAPCTL_OPT_AUD) {
            continue;
        }
        if (!jm_utf8_valid(jm_str(given->arg))) {
            return jwtmapctl_usage(ctl, "--aud is not UTF-8");
        }
        one = c_str(ctl->p, jm_json_quote(ctl->p, jm_str(given->arg)));
        list = list ? apr_pstrcat(ctl->p, list, ",", one, NULL) : one;
        count++;
    }
    set(object, jm_str("aud"),
        jm_str(count > 1 ? apr_pstrcat(ctl->p, "[", list, "]", NULL)
                         : list));
    return JWTMAPCTL_OK;
}

static jwtmapctl_exit_e set_named(object_t *object, const char *arg,
                                  kind_e kind)
{
    const jwtmapctl_t *ctl = object->ctl;
    const char *equals = strchr(arg, '=');
    const jm_json_t *node;
    jm_json_error_t err;
    jm_str_t name;

    if (!equals || equals == arg) {
        return jwtmapctl_usage(ctl, "--%s", kind == KIND_NAMED_TEXT
                                   ? "claim takes NAME=TEXT"
                                   : "claim-json takes NAME=JSON");
    }
    name = jm_strn(arg, (apr_size_t)(equals - arg));
    if (kind == KIND_NAMED_TEXT) {
        return set_text(object, name, jm_str(equals + 1));
    }
    if (!jm_utf8_valid(name)) {
        return jwtmapctl_usage(ctl, "a claim's name is not UTF-8");
    }
    if (jm_json_parse(&node, &err, ctl->p, jm_str(equals + 1))
        != APR_SUCCESS) {
        return jwtmapctl_usage(ctl, "--claim-json is not strict JSON: %s",
                               err.message);
    }
    set(object, name, jm_json_compact(ctl->p, node));
    return JWTMAPCTL_OK;
}

static jwtmapctl_exit_e set_option(object_t *object,
                                   const jwtmapctl_given_t *given)
{
    apr_size_t i;

    for (i = 0; i < CLAIM_OPTIONS; i++) {
        const char *claim = claim_options[i].claim;

        if (claim_options[i].code != given->code) {
            continue;
        }
        switch (claim_options[i].kind) {
        case KIND_TEXT:
            return set_text(object, jm_str(claim), jm_str(given->arg));
        case KIND_TIME:
            return set_time(object, claim, given->arg);
        case KIND_AUD:
            return set_aud(object);
        case KIND_NAMED_TEXT:
        case KIND_NAMED_JSON:
            return set_named(object, given->arg, claim_options[i].kind);
        }
    }
    return JWTMAPCTL_OK;
}

/* Sets the members of a JSON text that --NAME gives, unless it is NULL. */
static jwtmapctl_exit_e merge(object_t *object, const char *name,
                              const char *text)
{
    const jm_json_t *from;
    jwtmapctl_exit_e rv;
    unsigned i;

    if (!text) {
        return JWTMAPCTL_OK;
    }
    rv = jwtmapctl_object(&from, object->ctl, name, text);
    for (i = 0; rv == JWTMAPCTL_OK && i < from->count; i++) {
        set(object, from->items[i].name,
            jm_json_compact(object->ctl->p, &from->items[i]));
    }
    return rv;
}

static jm_str_t text_of(const object_t *object)
{
    apr_pool_t *p = object->ctl->p;
    apr_array_header_t *parts = apr_array_make(p, 16, sizeof(char *));
    int i;

    for (i = 0; i < object->members->nelts; i++) {
        const member_t *member = &APR_ARRAY_IDX(object->members, i,
                                                member_t);

        APR_ARRAY_PUSH(parts, const char *) =
            apr_pstrcat(p, c_str(p, jm_json_quote(p, member->name)), ":",
                        c_str(p, member->json), NULL);
    }
    return jm_str(apr_pstrcat(p, "{", apr_array_pstrcat(p, parts, ','), "}",
                              NULL));
}

static object_t new_object(const jwtmapctl_t *ctl)
{
    object_t object = { ctl, NULL, apr_time_sec(apr_time_now()) };

    object.members = apr_array_make(ctl->p, 16, sizeof(member_t));
    return object;
}

jwtmapctl_exit_e jwtmapctl_header(jm_str_t *pout, const jwtmapctl_t *ctl,
                                  const char *alg, const jm_str_t *kid)
{
    const char *raw = jwtmapctl_value(ctl, JWTMAPCTL_OPT_HEADER_RAW);
    const char *typ = jwtmapctl_value(ctl, JWTMAPCTL_OPT_TYP);
    object_t object = new_object(ctl);
    jwtmapctl_exit_e rv;

    *pout = jm_str(raw);
    if (raw) {
        return JWTMAPCTL_OK;
    }
    rv = merge(&object, "kid", c_str(ctl->p, jm_mint_header(ctl->p, alg,
                                                            kid)));
    if (rv == JWTMAPCTL_OK && typ) {
        rv = set_text(&object, jm_str("typ"), jm_str(typ));
    }
    if (rv == JWTMAPCTL_OK) {
        rv = merge(&object, "header",
                   jwtmapctl_value(ctl, JWTMAPCTL_OPT_HEADER));
    }
    *pout = text_of(&object);
    return rv;
}

jwtmapctl_exit_e jwtmapctl_payload(jm_str_t *pout, const jwtmapctl_t *ctl)
{
    const char *raw = jwtmapctl_value(ctl, JWTMAPCTL_OPT_PAYLOAD_RAW);
    object_t object = new_object(ctl);
    jwtmapctl_exit_e rv;
    int i;

    *pout = jm_strn(NULL, 0);
    if (raw) {
        return jwtmapctl_read(pout, ctl, raw, JM_KEY_FILE_MAX);
    }
    rv = merge(&object, "claims", jwtmapctl_value(ctl, JWTMAPCTL_OPT_CLAIMS));
    if (jwtmapctl_value(ctl, JWTMAPCTL_OPT_NO_EXP)) {
        unset(&object, jm_str("exp"));
    }
    for (i = 0; i < ctl->given->nelts && rv == JWTMAPCTL_OK; i++) {
        rv = set_option(&object, &APR_ARRAY_IDX(ctl->given, i,
                                                jwtmapctl_given_t));
    }
    if (!member_of(&object, jm_str("exp"))
        && !jwtmapctl_value(ctl, JWTMAPCTL_OPT_NO_EXP)) {
        rv = rv == JWTMAPCTL_OK ? set_time(&object, "exp", LIFETIME_DEFAULT)
                                : rv;
    }
    *pout = text_of(&object);
    return rv;
}
