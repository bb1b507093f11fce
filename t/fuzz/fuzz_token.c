/* No token verifies but the one that was signed; nothing of a token that does
 * not verify is handed out. */
#include "fuzz.h"

#include "jm_json.h"
#include "jm_jws.h"

/* RFC 7515 A.1 */
static const char secret[] =
    "{\"kty\":\"oct\",\"k\":\"AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0"
    "gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow\"}";
static const char signed_input[] =
    "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjE"
    "zMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";
/* RFC 7515 A.3 and RFC 8037 A.2, RFC 7515 A.2 */
static const char set[] =
    "{\"keys\":[{\"kty\":\"EC\",\"crv\":\"P-256\","
    "\"x\":\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\","
    "\"y\":\"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0\"},"
    "{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"kid\":\"ed\","
    "\"x\":\"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo\"}]}";

static void report(void *baton, jm_severity_e severity, const jm_json_t *at,
                   const char *text)
{
    (void)baton;
    (void)severity;
    (void)at;
    (void)text;
}

static const jm_keyset_t *read_keys(apr_pool_t *p, const char *text)
{
    const jm_json_t *node;
    const jm_keyset_t *keys;

    must(jm_json_parse(&node, NULL, p, jm_str(text)) == APR_SUCCESS);
    must(jm_keyset_jwks(&keys, p, node, 0, report, NULL) == APR_SUCCESS);
    return keys;
}

static void fuzz_one(apr_pool_t *p, jm_str_t input)
{
    const jm_key_t *key;
    const jm_json_t *claims;
    jm_jws_t jws;
    jm_verdict_e verdict = jm_jws_parse(&jws, p, input);

    must(verdict != JM_INTERNAL);
    if (verdict != JM_OK) {
        must(!jws.header);
        return;
    }
    must(jws.header->type == JM_JSON_OBJECT && jws.alg);
    verdict = jm_jws_verify(&key, p, &jws, read_keys(p, set), JM_ALGS_ALL);
    must(verdict != JM_OK && !key);
    verdict = jm_jws_verify(&key, p, &jws, read_keys(p, secret),
                            JM_ALGS_ALL);
    must(verdict != JM_OK || jm_str_is(jws.signing_input, signed_input));
    (void)jm_jws_payload(&claims, p, &jws);
    (void)jm_jws_unverified_issuer(p, &jws);
}
