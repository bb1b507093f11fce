/*
 * jws_form.c: compact JWS: the form of a token, header rules, key choice,
 * payload. A token that is refused is signed well wherever it can be, so
 * that only what its sentence says is wrong.
 */
#include "tokens.h"

#define HS256 0
#define EDDSA 12

/* --- parts --- */

static jm_verdict_e parse(jm_str_t token)
{
    jm_jws_t jws;

    return jm_jws_parse(&jws, tap_pool, token);
}

static void form(jm_verdict_e want, jm_str_t token, const char *sentence)
{
    jm_verdict_e got = parse(token);

    if (!ok(got == want, "%s: %s", jm_error(want)->name, sentence)) {
        printf("# got %s\n", jm_error(got)->name);
    }
}

#define H "eyJhbGciOiJIUzI1NiJ9"       /* {"alg":"HS256"} */

static void test_parts(void)
{
    form(JM_OK, jm_str(H ".e30.AAAA"), "three parts");
    form(JM_OK, jm_str(H "..AAAA"), "an empty payload is a form");
    form(JM_MALFORMED, jm_str(""), "nothing");
    form(JM_MALFORMED, jm_strn(NULL, 0), "no octets at all");
    form(JM_MALFORMED, jm_str("."), "a dot");
    form(JM_MALFORMED, jm_str(".."), "two dots");
    form(JM_MALFORMED, jm_str("..AAAA"), "only a signature");
    form(JM_MALFORMED, jm_str(H), "one part");
    form(JM_MALFORMED, jm_str(H ".e30"), "two parts");
    form(JM_MALFORMED, jm_str(H ".e30."), "no signature");
    form(JM_MALFORMED, jm_str(".e30.AAAA"), "no header");
    form(JM_MALFORMED, jm_str(H ".e30.AAAA."), "a dot at the end");
    form(JM_MALFORMED, jm_str("." H ".e30.AAAA"), "a dot at the start");
    form(JM_MALFORMED, jm_str(H ".e30.AAAA.AAAA"), "four parts");
    form(JM_MALFORMED, jm_str(H ".AAAA.AAAA.AAAA.AAAA"), "five parts (JWE)");
    form(JM_MALFORMED, jm_str("{\"payload\":\"e30\",\"signatures\":[]}"),
         "the JSON serialization");
    form(JM_MALFORMED, jm_str("Bearer " H ".e30.AAAA"), "a scheme before it");
}

static void test_base64(void)
{
    form(JM_MALFORMED, jm_str(H "=.e30.AAAA"), "padding in the header");
    form(JM_MALFORMED, jm_str(" " H ".e30.AAAA"), "a blank before it");
    form(JM_MALFORMED, jm_str("eyJhbGciOiJIUzI1NiJ9\n.e30.AAAA"),
         "a line feed");
    form(JM_MALFORMED, jm_strn(H "\0.e30.AAAA", sizeof(H) + 9), "a NUL");
    form(JM_MALFORMED, jm_str("eyJhbGciOiJIUzI1NiJ.e30.AAAA"),
         "an octet less");
    form(JM_MALFORMED, jm_str(H "A.e30.AAAA"), "length mod 4 = 1");
    form(JM_OK, jm_str("eyJhbGciOiJIUzI1NiIsInR5cCI6IkoifQ.e30.AAAA"),
         "no bit in the tail");
    form(JM_MALFORMED, jm_str("eyJhbGciOiJIUzI1NiIsInR5cCI6IkoifR.e30.AAAA"),
         "a bit in the tail");
    form(JM_OK, jm_str("eyJhbGciOiJIUzI1NiIsInR5cCI6Ij8_Pz8ifQ.e30.AAAA"),
         "the letter _");
    form(JM_MALFORMED,
         jm_str("eyJhbGciOiJIUzI1NiIsInR5cCI6Ij8/Pz8ifQ.e30.AAAA"),
         "a slash for it");
}

/* One token for each form of its signature part. */
static void test_signature_text(void)
{
    jm_str_t token = token_of(HS256);
    const char *input = apr_pstrmemdup(tap_pool, token.ptr,
                                       signed_part(token).len);
    const jm_keyset_t *set = set_of(HS256);
    const char *sig = token.ptr + strlen(input) + 1;
    char *tail = apr_pstrdup(tap_pool, sig);

    expect(JM_OK, fmt("%s.%s", input, sig), set, JM_ALGS_ALL, "as it is");
    expect(JM_MALFORMED, fmt("%s.%s=", input, sig), set, JM_ALGS_ALL,
           "padding behind the signature");
    expect(JM_MALFORMED, fmt("%s.%s ", input, sig), set, JM_ALGS_ALL,
           "a blank behind the signature");
    expect(JM_MALFORMED, fmt("%s.%s\n", input, sig), set, JM_ALGS_ALL,
           "a line feed behind the signature");
    expect(JM_MALFORMED, fmt("%s.+%s", input, sig + 1), set, JM_ALGS_ALL,
           "a + in the signature");
    expect(JM_MALFORMED, fmt("%s./%s", input, sig + 1), set, JM_ALGS_ALL,
           "a / in the signature");
    tail[strlen(tail) - 1]++;
    expect(JM_MALFORMED, fmt("%s.%s", input, tail), set, JM_ALGS_ALL,
           "a bit in the tail of the signature");
    expect(JM_MALFORMED, fmt("%s.=", input),
           jwks("{\"keys\":[{" OCT "},{" OCT "}]}"), JM_ALGS_ALL,
           "that is said before a key is looked for");
    expect(JM_KEY, fmt("%s.AAAA", input),
           jwks("{\"keys\":[{" OCT "},{" OCT "}]}"), JM_ALGS_ALL,
           "and the length of a signature is looked at after that");
    expect(JM_ALGORITHM, fmt("%s.=", input), set_of(EDDSA), JM_ALGS_ALL,
           "but an algorithm that no key has comes first");
}

/* --- lengths --- */

/* {"alg":"HS256","x":"aaa…"} of exactly so many octets */
static const char *header_of(apr_size_t len)
{
    static const char start[] = "{\"alg\":\"HS256\",\"x\":\"";
    char *text = apr_palloc(tap_pool, len + 1);

    memset(text, 'a', len);
    memcpy(text, start, sizeof(start) - 1);
    memcpy(text + len - 2, "\"}", 3);
    return text;
}

/* A token of exactly so many octets; its header has 20 characters. */
static jm_str_t token_of_length(apr_size_t len)
{
    char *text = apr_palloc(tap_pool, len + 1);

    memset(text, 'A', len);
    memcpy(text, H ".", sizeof(H));
    text[len - 5] = '.';
    text[len] = '\0';
    return jm_strn(text, len);
}

static void test_lengths(void)
{
    const jm_keyset_t *set = set_of(HS256);
    apr_size_t len;

    for (len = JM_JOSE_HEADER_MAX - 3; len <= JM_JOSE_HEADER_MAX + 4;
         len++) {
        expect(len <= JM_JOSE_HEADER_MAX ? JM_OK : JM_MALFORMED,
               mint(HS256, header_of(len), CLAIMS), set, JM_ALGS_ALL,
               fmt("a header of %d octets", (int)len).ptr);
    }
    form(JM_OK, token_of_length(JM_TOKEN_MAX), "a token of 16 KiB");
    form(JM_MALFORMED, token_of_length(JM_TOKEN_MAX + 1), "one octet more");
    form(JM_MALFORMED, token_of_length(1 << 20), "1 MiB");
}

/* --- header --- */

static const struct {
    jm_verdict_e verdict;
    const char *header;
    const char *sentence;
} headers[] = {
    { JM_OK, "{\"alg\":\"HS256\"}", "alg" },
    { JM_OK, "{\"alg\":\"HS256\",\"typ\":\"anything\"}", "typ is for later" },
    { JM_OK, "{\"alg\":\"HS256\",\"cty\":\"JWT\"}", "cty" },
    { JM_OK, "\t{ \"alg\" : \"HS\\u0032\\u0035\\u0036\" }\r\n",
      "white space and escapes of JSON" },
    { JM_ALGORITHM, "{}", "no alg" },
    { JM_ALGORITHM, "{\"alg\":\"none\"}", "none" },
    { JM_ALGORITHM, "{\"alg\":\"None\"}", "None" },
    { JM_ALGORITHM, "{\"alg\":\"NONE\"}", "NONE" },
    { JM_ALGORITHM, "{\"alg\":\"nOnE\"}", "nOnE" },
    { JM_ALGORITHM, "{\"alg\":\"\"}", "an empty alg" },
    { JM_ALGORITHM, "{\"alg\":\"hs256\"}", "hs256" },
    { JM_ALGORITHM, "{\"alg\":\"HS256 \"}", "HS256 and a blank" },
    { JM_ALGORITHM, "{\"alg\":\"HS256\\u0000\"}", "HS256 and a NUL" },
    { JM_ALGORITHM, "{\"alg\":\"HS1\"}", "HS1" },
    { JM_ALGORITHM, "{\"Alg\":\"HS256\"}", "Alg is not alg" },
    { JM_HEADER, "{\"alg\":null}", "alg null" },
    { JM_HEADER, "{\"alg\":true}", "alg true" },
    { JM_HEADER, "{\"alg\":256}", "alg as a number" },
    { JM_HEADER, "{\"alg\":[\"HS256\"]}", "alg as an array" },
    { JM_HEADER, "{\"alg\":{\"alg\":\"HS256\"}}", "alg as an object" },
    { JM_HEADER, "{\"alg\":\"HS256\",\"kid\":1}", "kid as a number" },
    { JM_HEADER, "{\"alg\":\"HS256\",\"kid\":null}", "kid null" },
    { JM_HEADER, "{\"alg\":\"HS256\",\"typ\":null}", "typ null" },
    { JM_HEADER, "{\"alg\":\"HS256\",\"typ\":[\"JWT\"]}", "typ as an array" },
    { JM_HEADER, "{\"alg\":\"HS256\",\"cty\":1}", "cty as a number" },
    { JM_HEADER, "{\"alg\":\"HS256\",\"crit\":[\"exp\"]}", "crit" },
    { JM_HEADER, "{\"alg\":\"HS256\",\"crit\":[]}", "an empty crit" },
    { JM_HEADER, "{\"alg\":\"HS256\",\"crit\":null}", "crit null" },
    { JM_HEADER, "{\"alg\":\"HS256\",\"b64\":true}", "b64 true" },
    { JM_HEADER, "{\"alg\":\"HS256\",\"b64\":false,\"crit\":[\"b64\"]}",
      "b64 false" },
    { JM_HEADER, "{\"alg\":\"HS256\",\"zip\":\"DEF\"}", "zip" },
    { JM_HEADER, "{\"alg\":\"HS256\",\"enc\":\"A128GCM\"}", "enc" },
    { JM_HEADER, "{\"alg\":\"none\",\"crit\":[]}", "crit is seen first" },
    { JM_OK, "{\"alg\":\"HS256\",\"Crit\":[\"exp\"]}", "Crit is not crit" },
    { JM_MALFORMED, "{\"alg\":\"HS256\",\"alg\":\"HS256\"}", "alg twice" },
    { JM_MALFORMED, "{\"alg\":\"HS256\",\"\\u0061lg\":\"none\"}",
      "alg twice, once in disguise" },
    { JM_MALFORMED, "{\"alg\":\"HS256\"}{}", "octets behind the header" },
    { JM_MALFORMED, "{\"alg\":\"HS256\"", "an open header" },
    { JM_MALFORMED, "[\"HS256\"]", "an array" },
    { JM_MALFORMED, "\"HS256\"", "a string" },
    { JM_MALFORMED, "null", "null" },
    { JM_MALFORMED, "{'alg':'HS256'}", "single quotes" },
    { JM_MALFORMED, "{\"alg\":\"HS256\",\"x\":\"\xff\"}", "no UTF-8" },
    { JM_MALFORMED, "{\"alg\":\"HS256\",\"x\":NaN}", "NaN" },
    { JM_MALFORMED, "\xef\xbb\xbf{\"alg\":\"HS256\"}", "a BOM" }
};

static void test_headers(void)
{
    const jm_keyset_t *set = set_of(HS256);
    jm_str_t jwk;
    unsigned i;

    for (i = 0; i < sizeof(headers) / sizeof(*headers); i++) {
        expect(headers[i].verdict,
               mint(HS256, headers[i].header, CLAIMS), set, JM_ALGS_ALL,
               headers[i].sentence);
    }
    jm_mint_jwk(&jwk, tap_pool, minted(EDDSA), NULL, NULL);
    expect(JM_SIGNATURE,
           mint(EDDSA, fmt("{\"alg\":\"EdDSA\",\"jwk\":%s,\"jku\":\"https://a"
                           "\",\"x5u\":\"https://a\",\"x5c\":[\"AAAA\"]}",
                           jwk.ptr).ptr, CLAIMS),
           jwks("{" ED_KEY "}"), JM_ALGS_ALL, "a key in the header is no key");
    expect(JM_OK,
           mint(EDDSA, "{\"alg\":\"EdDSA\",\"jwk\":{" ED_KEY "}}", CLAIMS),
           set_of(EDDSA), JM_ALGS_ALL, "nor does it matter");
}

/* --- key choice --- */

#define ED(kid) "{\"alg\":\"EdDSA\",\"kid\":" kid "}"
#define NO_KID "{\"alg\":\"EdDSA\"}"

/* {"keys":[the minted Ed25519 key with that kid (NULL: none), others…]} */
static const jm_keyset_t *ed_set(const char *kid, const char *others)
{
    return jwks(fmt("{\"keys\":[%s%s%s]}", minted_jwk(EDDSA, NULL, kid),
                    *others ? "," : "", others).ptr);
}

static void chosen(jm_verdict_e want, const char *header,
                   const jm_keyset_t *set, const char *sentence)
{
    expect(want, mint(EDDSA, header, CLAIMS), set, JM_ALGS_ALL, sentence);
}

static void test_kid(void)
{
    const jm_keyset_t *set = ed_set("a", "{" ED_KEY ",\"kid\":\"b\"}");

    chosen(JM_OK, ED("\"a\""), set, "the kid chooses");
    chosen(JM_SIGNATURE, ED("\"b\""), set, "another key by its kid");
    chosen(JM_KEY, ED("\"c\""), set, "an unknown kid");
    chosen(JM_KEY, ED("\"\""), set, "an empty kid");
    chosen(JM_KEY, ED("\"A\""), set, "the case of a kid counts");
    chosen(JM_KEY, ED("\"a\\u0000\""), set, "a NUL behind a kid counts");
    chosen(JM_KEY, ED("\"a \""), set, "a blank behind a kid counts");
    chosen(JM_KEY, ED("\"../../a\""), set, "a kid is no path");
    chosen(JM_KEY, NO_KID, set, "no kid, and two keys fit");
    chosen(JM_OK, NO_KID, ed_set("a", "{" RSA_KEY ",\"kid\":\"b\"}"),
           "no kid, and one key fits");
    chosen(JM_KEY, ED("\"a\""), ed_set(NULL, ""),
           "a kid, and an entry of a set without");
    chosen(JM_OK, NO_KID, ed_set(NULL, ""), "neither has a kid");
    chosen(JM_OK, ED("\"\""), ed_set("", ""), "both have an empty kid");
    chosen(JM_KEY, NO_KID, ed_set(NULL, "{" ED_KEY "}"),
           "neither has a kid, and two keys fit");
    chosen(JM_KEY, ED("\"b\""), ed_set("a", "{" RSA_KEY ",\"kid\":\"b\"}"),
           "the kid is that of a key of another kind");
    expect(JM_OK, mint(EDDSA, ED("\"k\\u0000k\""), CLAIMS),
           jwks(fmt("{\"keys\":[{%.*s,\"kid\":\"k\\u0000k\"}]}",
                    (int)strlen(minted_jwk(EDDSA, NULL, NULL)) - 2,
                    minted_jwk(EDDSA, NULL, NULL) + 1).ptr),
           JM_ALGS_ALL, "a NUL inside of both kids");
}

static void test_same_kid(void)
{
    chosen(JM_OK, ED("\"a\""), ed_set("a", "{" RSA_KEY ",\"kid\":\"a\"},{"
                                      EC_KEY ",\"kid\":\"a\"}"),
           "one kid, chosen by kty");
    chosen(JM_OK, ED("\"a\""), ed_set("a", "{" ED_KEY
                                      ",\"kid\":\"a\",\"use\":\"enc\"}"),
           "one kid, chosen by use");
    chosen(JM_KEY, ED("\"a\""), ed_set("a", "{" ED_KEY ",\"kid\":\"a\"}"),
           "one kid, and two keys fit");
    chosen(JM_KEY, ED("\"a\""),
           ed_set("a", "{" ED_KEY ",\"kid\":\"a\"},{" ED_KEY
                  ",\"kid\":\"a\"}"), "one kid, and three keys fit");
    expect(JM_OK, mint(3, "{\"alg\":\"RS256\",\"kid\":\"a\"}", CLAIMS),
           jwks(fmt("{\"keys\":[%s,{" RSA_KEY
                    ",\"kid\":\"a\",\"alg\":\"RS512\"}]}",
                    minted_jwk(3, "RS256", "a")).ptr), JM_ALGS_ALL,
           "one kid, chosen by alg");
    expect(JM_KEY, mint(3, "{\"alg\":\"RS256\",\"kid\":\"a\"}", CLAIMS),
           jwks(fmt("{\"keys\":[%s,{" RSA_KEY ",\"kid\":\"a\"}]}",
                    minted_jwk(3, "RS256", "a")).ptr), JM_ALGS_ALL,
           "one kid, and one of two has no alg");
}

static void test_ignored_kid(void)
{
    heard_t heard;

    chosen(JM_OK, ED("\"a\""), set_of(EDDSA), "a PEM ignores the kid");
    expect(JM_OK, mint(HS256, "{\"alg\":\"HS256\",\"kid\":\"a\"}", CLAIMS),
           set_of(HS256), JM_ALGS_ALL, "a secret ignores the kid");
    chosen(JM_OK, ED("\"a\""), jwks(minted_jwk(EDDSA, NULL, NULL)),
           "a bare JWK without kid ignores the kid");
    chosen(JM_OK, ED("\"a\""), jwks(minted_jwk(EDDSA, NULL, "a")),
           "a bare JWK with that kid");
    chosen(JM_KEY, ED("\"b\""), jwks(minted_jwk(EDDSA, NULL, "a")),
           "a bare JWK with another kid");
    chosen(JM_OK, NO_KID, jwks(minted_jwk(EDDSA, NULL, "a")),
           "a bare JWK with a kid, and a token without");
    chosen(JM_OK, ED("\"a\""),
           read_jwks(&heard, fmt("{\"keys\":[%s,{" OCT ",\"kid\":\"b\"}]}",
                                 minted_jwk(EDDSA, NULL, "a")).ptr, 1),
           "a set from a URL");
    expect(JM_ALGORITHM, mint(HS256, "{\"alg\":\"HS256\",\"kid\":\"b\"}",
                              CLAIMS),
           read_jwks(&heard, fmt("{\"keys\":[%s,%s]}",
                                 minted_jwk(EDDSA, NULL, "a"),
                                 minted_jwk(HS256, NULL, "b")).ptr, 1),
           JM_ALGS_ALL, "an oct key from a URL is not there");
}

/* --- misuse and payload --- */

static void test_misuse(void)
{
    const jm_key_t *key;
    jm_jws_t jws;

    ok(jm_jws_parse(&jws, tap_pool, jm_str("x")) == JM_MALFORMED
       && jm_jws_verify(&key, tap_pool, &jws, set_of(HS256), JM_ALGS_ALL)
          == JM_INTERNAL && !key,
       "internal: to verify what did not parse");
}

static const struct {
    jm_verdict_e verdict;
    const char *payload;
    const char *issuer;
    const char *sentence;
} payloads[] = {
    { JM_OK, "{}", "", "an object without members" },
    { JM_OK, "{\"iss\":\"joe\"}", "joe", "an issuer" },
    { JM_OK, "{\"iss\":[\"joe\"]}", "", "an issuer that is no string" },
    { JM_OK, "{\"a\":{\"iss\":\"joe\"}}", "", "an issuer deeper down" },
    { JM_MALFORMED, "", "", "an empty payload" },
    { JM_MALFORMED, "[]", "", "an array" },
    { JM_MALFORMED, "\"joe\"", "", "a string" },
    { JM_MALFORMED, "{\"iss\":\"joe\",\"iss\":\"jim\"}", "",
      "an issuer twice" },
    { JM_MALFORMED, "{\"iss\":\"joe\"} x", "", "octets behind it" }
};

static void test_payload(void)
{
    const jm_json_t *claims;
    jm_jws_t jws;
    unsigned i;

    for (i = 0; i < sizeof(payloads) / sizeof(*payloads); i++) {
        jm_jws_parse(&jws, tap_pool, mint(HS256, "{\"alg\":\"HS256\"}",
                                          payloads[i].payload));
        ok(jm_jws_payload(&claims, tap_pool, &jws) == payloads[i].verdict
           && (claims != NULL) == (payloads[i].verdict == JM_OK),
           "%s: %s", jm_error(payloads[i].verdict)->name,
           payloads[i].sentence);
        is_str(jm_jws_unverified_issuer(tap_pool, &jws), payloads[i].issuer,
               "and its issuer");
    }
    jm_jws_parse(&jws, tap_pool, jm_str(H ".e30=.AAAA"));
    ok(jm_jws_payload(&claims, tap_pool, &jws) == JM_MALFORMED,
       "malformed: padding in the payload");
    jm_jws_parse(&jws, tap_pool, jm_str(H ".e31.AAAA"));
    ok(jm_jws_payload(&claims, tap_pool, &jws) == JM_MALFORMED,
       "malformed: a bit in the tail of the payload");
}

int main(void)
{
    keys_start();
    test_parts();
    test_base64();
    test_signature_text();
    test_lengths();
    test_headers();
    test_kid();
    test_same_kid();
    test_ignored_kid();
    test_misuse();
    test_payload();
    return tap_done();
}
