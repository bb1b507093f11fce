/*
 * jm_claims.c: claim policy of an authorizer and `require` of a route. Reads
 * verified JSON only; touches nothing.
 */
#include "jm_claims.h"
#include "jm_json.h"

#define SECONDS_MAX APR_INT64_MAX
#define SECONDS_MIN APR_INT64_MIN

/* The claims of RFC 7519 4.1 that the policy reads. */
typedef struct times_t {
    int has_exp, has_nbf, has_iat;
    apr_int64_t exp, nbf, iat;       /* seconds since 1970, rounded up */
} times_t;

/* --- arithmetic that ends at the limits instead of wrapping --- */

static apr_int64_t add_seconds(apr_int64_t a, apr_int64_t b)
{
    if (b > 0 && a > SECONDS_MAX - b) {
        return SECONDS_MAX;
    }
    if (b < 0 && a < SECONDS_MIN - b) {
        return SECONDS_MIN;
    }
    return a + b;
}

/* a - b for b above SECONDS_MIN, which no claim reaches. */
static apr_int64_t sub_seconds(apr_int64_t a, apr_int64_t b)
{
    return add_seconds(a, b == SECONDS_MIN ? SECONDS_MAX : -b);
}

/* --- typ --- */

/* ASCII only: the result must not depend on a locale. */
static int lower(char c)
{
    return c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c;
}

static int same_but_for_case(jm_str_t a, jm_str_t b)
{
    apr_size_t i;

    if (a.len != b.len) {
        return 0;
    }
    for (i = 0; i < a.len; i++) {
        if (lower(a.ptr[i]) != lower(b.ptr[i])) {
            return 0;
        }
    }
    return 1;
}

/* RFC 7515 4.1.9: "application/" may be left out where no other slash
 * follows. */
static jm_str_t short_media_type(jm_str_t typ)
{
    static const char prefix[] = "application/";
    apr_size_t len = sizeof(prefix) - 1;

    if (typ.len > len
        && same_but_for_case(jm_strn(typ.ptr, len), jm_str(prefix))
        && !memchr(typ.ptr + len, '/', typ.len - len)) {
        return jm_strn(typ.ptr + len, typ.len - len);
    }
    return typ;
}

static jm_verdict_e check_typ(const jm_policy_t *policy,
                              const jm_json_t *header)
{
    const jm_json_t *node = jm_json_get(header, jm_str("typ"));
    jm_str_t typ;
    int good;

    if (!node) {
        return policy->typ.len ? JM_TYP : JM_OK;
    }
    if (node->type != JM_JSON_STRING) {
        return JM_TYP;
    }
    typ = short_media_type(node->text);
    if (policy->typ.len) {
        good = same_but_for_case(typ, short_media_type(policy->typ));
    }
    else {
        good = same_but_for_case(typ, jm_str("JWT"))
               || same_but_for_case(typ, jm_str("at+jwt"));
    }
    return good ? JM_OK : JM_TYP;
}

/* --- types of registered claims --- */

static int string_or_absent(const jm_json_t *claims, const char *name)
{
    const jm_json_t *node = jm_json_get(claims, jm_str(name));

    return !node || node->type == JM_JSON_STRING;
}

static int aud_well_formed(const jm_json_t *aud)
{
    unsigned i;

    if (!aud || aud->type == JM_JSON_STRING) {
        return 1;
    }
    if (aud->type != JM_JSON_ARRAY) {
        return 0;
    }
    for (i = 0; i < aud->count; i++) {
        if (aud->items[i].type != JM_JSON_STRING) {
            return 0;
        }
    }
    return 1;
}

/* 1 if absent (*phas 0), or a number below 2^63. */
static int read_seconds(int *phas, apr_int64_t *pseconds,
                        const jm_json_t *claims, const char *name)
{
    const jm_json_t *node = jm_json_get(claims, jm_str(name));

    *phas = node != NULL;
    *pseconds = 0;
    return !node || jm_json_seconds(pseconds, node) == APR_SUCCESS;
}

static jm_verdict_e read_claims(times_t *times, const jm_json_t *claims)
{
    if (!string_or_absent(claims, "iss") || !string_or_absent(claims, "sub")
        || !string_or_absent(claims, "jti")
        || !aud_well_formed(jm_json_get(claims, jm_str("aud")))
        || !read_seconds(&times->has_exp, &times->exp, claims, "exp")
        || !read_seconds(&times->has_nbf, &times->nbf, claims, "nbf")
        || !read_seconds(&times->has_iat, &times->iat, claims, "iat")) {
        return JM_CLAIM;
    }
    return JM_OK;
}

/* --- iss and aud --- */

static int is_one_of(jm_str_t text, const jm_str_t *list, unsigned count)
{
    unsigned i;

    for (i = 0; i < count; i++) {
        if (jm_str_eq(text, list[i])) {
            return 1;
        }
    }
    return 0;
}

/* 1 if text starts with prefix, which is then taken off. */
static int take(jm_str_t *text, jm_str_t prefix)
{
    if (text->len < prefix.len
        || !jm_str_eq(jm_strn(text->ptr, prefix.len), prefix)) {
        return 0;
    }
    *text = jm_strn(text->ptr + prefix.len, text->len - prefix.len);
    return 1;
}

/* 1 if iss is the template with each {tenantid} replaced by tid. */
static int issuer_matches(jm_str_t template, jm_str_t iss,
                          const jm_json_t *tid)
{
    const jm_str_t tenant = jm_str("{tenantid}");

    while (template.len > 0) {
        if (take(&template, tenant)) {
            if (!tid || tid->type != JM_JSON_STRING || tid->text.len == 0
                || !take(&iss, tid->text)) {
                return 0;
            }
        }
        else if (!take(&iss, jm_strn(template.ptr, 1))) {
            return 0;
        }
        else {
            template = jm_strn(template.ptr + 1, template.len - 1);
        }
    }
    return iss.len == 0;
}

static jm_verdict_e check_issuer(const jm_policy_t *policy,
                                 const jm_key_t *key, const jm_json_t *claims)
{
    const jm_json_t *iss = jm_json_get(claims, jm_str("iss"));

    if (policy->issuer_count
        && (!iss || !is_one_of(iss->text, policy->issuers,
                               policy->issuer_count))) {
        return JM_ISSUER;
    }
    if (key->issuer.len
        && (!iss || !issuer_matches(key->issuer, iss->text,
                                    jm_json_get(claims, jm_str("tid"))))) {
        return JM_ISSUER;
    }
    return JM_OK;
}

static jm_verdict_e check_audience(const jm_policy_t *policy,
                                   const jm_json_t *claims)
{
    const jm_json_t *aud = jm_json_get(claims, jm_str("aud"));
    unsigned i;

    if (policy->audience_count == 0) {
        return JM_OK;
    }
    if (aud && aud->type == JM_JSON_STRING) {
        return is_one_of(aud->text, policy->audiences, policy->audience_count)
               ? JM_OK : JM_AUDIENCE;
    }
    for (i = 0; aud && i < aud->count; i++) {
        if (is_one_of(aud->items[i].text, policy->audiences,
                      policy->audience_count)) {
            return JM_OK;
        }
    }
    return JM_AUDIENCE;
}

/* --- times --- */

static jm_verdict_e check_times(const jm_policy_t *policy,
                                const times_t *times, apr_int64_t now)
{
    apr_int64_t latest = add_seconds(now, policy->leeway);

    if (policy->max_lifetime > 0) {
        if (!times->has_exp || !times->has_iat) {
            return JM_CLAIM;
        }
        if (sub_seconds(times->exp, times->iat) > policy->max_lifetime) {
            return JM_LIFETIME;
        }
    }
    if ((times->has_nbf && times->nbf > latest)
        || (times->has_iat && times->iat > latest)) {
        return JM_NOT_YET;
    }
    if (!times->has_exp) {
        return policy->require_expiration ? JM_CLAIM : JM_OK;
    }
    return sub_seconds(now, policy->leeway) < times->exp ? JM_OK : JM_EXPIRED;
}

/* When check_times would say the same; but for the last second there is, which
 * is in no window. */
static jm_window_t window_of(const times_t *times, apr_int64_t leeway)
{
    jm_window_t window = { SECONDS_MIN, SECONDS_MAX };

    if (times->has_nbf) {
        window.from = sub_seconds(times->nbf, leeway);
    }
    if (times->has_iat) {
        apr_int64_t issued = sub_seconds(times->iat, leeway);

        window.from = issued > window.from ? issued : window.from;
    }
    if (times->has_exp) {
        window.until = add_seconds(times->exp, leeway);
    }
    return window;
}

jm_verdict_e jm_claims_check(jm_window_t *window, const jm_policy_t *policy,
                             const jm_key_t *key, const jm_json_t *header,
                             const jm_json_t *claims, apr_int64_t now)
{
    times_t times;
    jm_verdict_e verdict = check_typ(policy, header);

    if (verdict == JM_OK) {
        verdict = read_claims(&times, claims);
    }
    if (verdict == JM_OK) {
        verdict = check_issuer(policy, key, claims);
    }
    if (verdict == JM_OK) {
        verdict = check_audience(policy, claims);
    }
    if (verdict == JM_OK && !policy->allow_bound
        && jm_json_get(claims, jm_str("cnf"))) {
        verdict = JM_BOUND;
    }
    if (verdict == JM_OK) {
        verdict = check_times(policy, &times, now);
    }
    if (verdict == JM_OK) {
        *window = window_of(&times, policy->leeway);
    }
    return verdict;
}

/* --- require --- */

/* 1 if one of the values is a word of a space-separated set. */
static int scope_has(jm_str_t scope, const jm_require_t *require)
{
    const char *space;
    jm_str_t word;
    unsigned i;

    while (scope.len > 0) {
        space = memchr(scope.ptr, ' ', scope.len);
        word = jm_strn(scope.ptr, space ? (apr_size_t)(space - scope.ptr)
                                        : scope.len);
        for (i = 0; word.len && i < require->count; i++) {
            if (require->values[i]->type == JM_JSON_STRING
                && jm_str_eq(word, require->values[i]->text)) {
                return 1;
            }
        }
        take(&scope, word);
        take(&scope, jm_str(" "));
    }
    return 0;
}

static int equals_one(const jm_json_t *claim, const jm_require_t *require)
{
    unsigned i;

    for (i = 0; i < require->count; i++) {
        if (jm_json_scalar_eq(claim, require->values[i])) {
            return 1;
        }
    }
    return 0;
}

static int is_scope(const jm_path_t *path)
{
    return path->count == 1 && (jm_str_is(path->parts[0], "scope")
                                || jm_str_is(path->parts[0], "scp"));
}

static int holds(const jm_require_t *require, const jm_json_t *claims)
{
    const jm_json_t *claim = jm_path_find(claims, &require->path);
    unsigned i;

    if (!claim || claim->type == JM_JSON_NULL) {
        return 0;
    }
    if (claim->type == JM_JSON_STRING && is_scope(&require->path)) {
        return scope_has(claim->text, require);
    }
    if (claim->type != JM_JSON_ARRAY) {
        return equals_one(claim, require);
    }
    for (i = 0; i < claim->count; i++) {
        if (equals_one(&claim->items[i], require)) {
            return 1;
        }
    }
    return 0;
}

jm_verdict_e jm_require_check(const char **pname, const jm_require_t *require,
                              unsigned count, const jm_json_t *claims)
{
    unsigned i;

    *pname = NULL;
    for (i = 0; i < count; i++) {
        if (!holds(&require[i], claims)) {
            *pname = require[i].name;
            return is_scope(&require[i].path) ? JM_SCOPE : JM_REQUIRE;
        }
    }
    return JM_OK;
}
