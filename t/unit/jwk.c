/*
 * jwk.c: the algorithm table, HMAC secrets, JWK and JWK Set.
 */
#include "jm_b64.h"
#include "keys.h"

/* --- algorithms --- */

static void test_algorithms(apr_pool_t *p)
{
    static const char *const strangers[] = {
        "", "none", "None", "NONE", "nOnE", "hs256", "HS256 ", " HS256",
        "HS25", "HS2566", "RS1", "ES256K", "eddsa", "ED25519", "Ed448",
        "ed25519", "RSA-OAEP", "HS", "RS"
    };
    jm_algs_t all = 0;
    unsigned i;

    for (i = 0; i < JM_ALG_COUNT; i++) {
        const jm_alg_t *alg = jm_alg_at(i);

        all |= alg->bit;
        ok(jm_alg_find(jm_str(alg->name)) == alg && alg->row == i
           && alg->bit == 1u << i && !strcmp(jm_alg_names()[i], alg->name),
           "%s is row %u and found by its name", alg->name, i);
        ok(!(alg->bit & JM_ALGS_SECRET) == (alg->family != JM_FAMILY_HMAC)
           && !(alg->bit & JM_ALGS_PUBLIC) == (alg->family == JM_FAMILY_HMAC),
           "%s has a secret, or a public key", alg->name);
    }
    ok(all == JM_ALGS_ALL, "the rows have different bits, 13 in all");
    ok(!jm_alg_at(13), "there is no 14th row");
    ok(jm_alg_find(jm_str("Ed25519")) == jm_alg_at(12),
       "Ed25519 is the row of EdDSA");
    for (i = 0; i < sizeof(strangers) / sizeof(*strangers); i++) {
        ok(!jm_alg_find(jm_str(strangers[i])), "\"%s\" is no algorithm",
           strangers[i]);
    }
    ok(!jm_alg_find(jm_strn("HS256\0", 6)), "HS256 and a NUL is none");
    is_str(jm_str(jm_alg_list(p, ALGS_RS | ALGS_ED)),
           "RS256, RS384, RS512, EdDSA", "a set is listed by its names");
    is_str(jm_str(jm_alg_list(p, 0)), "", "the empty set is an empty list");
}

/* --- secrets --- */

static void test_secrets(apr_pool_t *p)
{
    static const struct {
        apr_size_t len;
        jm_algs_t algs;
    } cases[] = {
        { 0, 0 }, { 1, 0 }, { 31, 0 }, { 32, 1 }, { 47, 1 }, { 48, 3 },
        { 63, 3 }, { 64, 7 }, { 65, 7 }, { 4096, 7 }
    };
    char *octets = apr_pcalloc(p, 4096);
    const jm_keyset_t *set;
    heard_t heard;
    unsigned i;

    for (i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        set = read_secret(&heard, jm_strn(octets, cases[i].len));
        ok((set ? set->algs : 0) == cases[i].algs
           && (!set || (!set->match_kid && set->count == 1)),
           "a secret of %d octets, NUL among them, is for \"%s\"",
           (int)cases[i].len, jm_alg_list(p, cases[i].algs));
    }
    ok(!read_secret(&heard, minted_pem(3)), "a public PEM is no secret");
    ok(!read_secret(&heard, jm_str(apr_pstrcat(
           p, "text before\n", minted_pem(9).ptr, NULL))),
       "nor is one with text before it");
    ok(read_secret(&heard, jm_str("-----BEGI PUBLIC KEY, which is no PEM"))
       != NULL, "a text that only resembles PEM is one");
}

/* --- one JWK --- */

typedef struct case_t {
    const char *sentence;
    const char *json;
    jm_algs_t algs;            /* 0: an error */
} case_t;

static const case_t bare[] = {
    { "an RSA JWK is for RS and PS", "{" RSA_KEY "}", ALGS_RS | ALGS_PS },
    { "a P-256 JWK is for ES256", "{" EC_KEY "}", ALGS_ES256 },
    { "a P-521 JWK is for ES512", "{" EC521_KEY "}", ALGS_ES512 },
    { "an Ed25519 JWK is for EdDSA", "{" ED_KEY "}", ALGS_ED },
    { "an oct JWK of 64 octets is for HS", "{" OCT "}", ALGS_HS },
    { "unknown members do not matter", "{" ED_KEY ",\"x5c\":[1],\"foo\":{}}",
      ALGS_ED },
    /* alg */
    { "alg narrows", "{" RSA_KEY ",\"alg\":\"PS384\"}", 0x80 },
    { "alg EdDSA", "{" ED_KEY ",\"alg\":\"EdDSA\"}", ALGS_ED },
    { "alg Ed25519 is the same", "{" ED_KEY ",\"alg\":\"Ed25519\"}",
      ALGS_ED },
    { "alg Ed448 is not", "{" ED_KEY ",\"alg\":\"Ed448\"}", 0 },
    { "alg HS256 on RSA does not fit", "{" RSA_KEY ",\"alg\":\"HS256\"}", 0 },
    { "alg RS256 on oct does not fit", "{" OCT ",\"alg\":\"RS256\"}", 0 },
    { "alg ES256 on P-521 does not fit", "{" EC521_KEY
      ",\"alg\":\"ES256\"}", 0 },
    { "alg ES512 on P-256 does not fit", "{" EC_KEY ",\"alg\":\"ES512\"}",
      0 },
    { "alg none fits nothing", "{" RSA_KEY ",\"alg\":\"none\"}", 0 },
    { "alg RSA-OAEP is not for signatures", "{" RSA_KEY
      ",\"alg\":\"RSA-OAEP\"}", 0 },
    { "alg null is malformed", "{" RSA_KEY ",\"alg\":null}", 0 },
    { "alg as an array is malformed", "{" RSA_KEY ",\"alg\":[\"RS256\"]}",
      0 },
    /* use, key_ops */
    { "use sig", "{" ED_KEY ",\"use\":\"sig\"}", ALGS_ED },
    { "use enc is not ours", "{" ED_KEY ",\"use\":\"enc\"}", 0 },
    { "use Sig is not ours", "{" ED_KEY ",\"use\":\"Sig\"}", 0 },
    { "use as an array is malformed", "{" ED_KEY ",\"use\":[\"sig\"]}", 0 },
    { "key_ops with verify", "{" ED_KEY
      ",\"key_ops\":[\"x\",\"verify\",\"y\"]}", ALGS_ED },
    { "key_ops sign does not verify", "{" ED_KEY ",\"key_ops\":[\"sign\"]}",
      0 },
    { "key_ops empty", "{" ED_KEY ",\"key_ops\":[]}", 0 },
    { "key_ops as a string is malformed", "{" ED_KEY
      ",\"key_ops\":\"verify\"}", 0 },
    { "key_ops with a number is malformed", "{" ED_KEY
      ",\"key_ops\":[\"verify\",1]}", 0 },
    /* kid, issuer */
    { "kid as a number is malformed", "{" ED_KEY ",\"kid\":1}", 0 },
    { "an empty kid is one", "{" ED_KEY ",\"kid\":\"\"}", ALGS_ED },
    { "issuer as a string", "{" ED_KEY ",\"issuer\":\"https://a\"}",
      ALGS_ED },
    { "issuer as an array is malformed", "{" ED_KEY
      ",\"issuer\":[\"https://a\"]}", 0 },
    { "an empty issuer is malformed", "{" ED_KEY ",\"issuer\":\"\"}", 0 },
    /* private members */
    { "d makes an RSA JWK private", "{" RSA_KEY ",\"d\":\"AQAB\"}", 0 },
    { "dq alone does", "{" RSA_KEY ",\"dq\":\"AQAB\"}", 0 },
    { "d of any type does", "{" EC_KEY ",\"d\":null}", 0 },
    { "d makes an Ed25519 JWK private", "{" ED_KEY ",\"d\":\"" RFC_ED "\"}",
      0 },
    { "also one for encryption", "{" ED_KEY ",\"d\":\"\",\"use\":\"enc\"}",
      0 },
    { "p means nothing in an EC JWK", "{" EC_KEY ",\"p\":\"AQAB\"}",
      ALGS_ES256 },
    /* kty */
    { "kty is missing", "{\"keys\":[{\"k\":\"" RFC_K "\"}]}", 0 },
    { "kty is case-sensitive", "{\"kty\":\"OCT\",\"k\":\"" RFC_K "\"}", 0 },
    { "kty as an array", "{\"kty\":[\"oct\"],\"k\":\"" RFC_K "\"}", 0 },
    { "neither keys nor kty", "{}", 0 },
    { "an array is no set", "[{" ED_KEY "}]", 0 },
    { "null is no set", "null", 0 },
    { "keys as an object", "{\"keys\":{" ED_KEY "}}", 0 },
    { "no keys", "{\"keys\":[]}", 0 },
    { "keys counts before kty", "{\"keys\":[]," ED_KEY "}", 0 },
    /* RSA numbers */
    { "n is missing", "{\"kty\":\"RSA\",\"e\":\"AQAB\"}", 0 },
    { "e is missing", "{\"kty\":\"RSA\",\"n\":\"" RFC_N "\"}", 0 },
    { "n as a number", "{\"kty\":\"RSA\",\"n\":1,\"e\":\"AQAB\"}", 0 },
    { "n with padding", "{\"kty\":\"RSA\",\"n\":\"" RFC_N "==\",\"e\":\"AQAB"
      "\"}", 0 },
    { "a zero octet before n changes nothing", "{\"kty\":\"RSA\",\"n\":\""
      "AKH4Fgri48m0Zc6NLWViYzYrkn2-KeHwJHf8FiXMkKE244vZNJfFtupj3XcR5nx0KflW"
      "sPuKjwia3EtpiTzBMz9T7dAZuHeEJS_skU_khXdpWUvqQoDTLA9Vv2KUTxMDlrxum99u"
      "vdK9o2eO7KDGaPcBs42_-zjINCzi_m0n-t5KWkh0l53Uuc-a3sTHWwWFLCwPXvilwXUD"
      "kvlE6O1kwRDGtkdgmqR4OuucbJrXVTEwUGOLg2Zcb296gqOWcCofZBuC0-vyOSIZSR-2"
      "hocsVxb1Cvg1jZqLnRfDQHKPf4fYmhjY_KtnrYRZDC7PdZM5NjwHA01vYG-eIeBUVsrl"
      "6aE\",\"e\":\"AQAB\"}", ALGS_RS | ALGS_PS },
    { "e = 3", "{\"kty\":\"RSA\",\"n\":\"" RFC_N "\",\"e\":\"Aw\"}",
      ALGS_RS | ALGS_PS },
    { "e = 3 with a zero octet before it", "{\"kty\":\"RSA\",\"n\":\"" RFC_N
      "\",\"e\":\"AAM\"}", ALGS_RS | ALGS_PS },
    { "e = 0", "{\"kty\":\"RSA\",\"n\":\"" RFC_N "\",\"e\":\"AA\"}", 0 },
    { "e = 1", "{\"kty\":\"RSA\",\"n\":\"" RFC_N "\",\"e\":\"AQ\"}", 0 },
    { "e = 2", "{\"kty\":\"RSA\",\"n\":\"" RFC_N "\",\"e\":\"Ag\"}", 0 },
    { "e = 65536", "{\"kty\":\"RSA\",\"n\":\"" RFC_N "\",\"e\":\"AQAA\"}",
      0 },
    { "e is empty", "{\"kty\":\"RSA\",\"n\":\"" RFC_N "\",\"e\":\"\"}", 0 },
    { "e = 2^64 - 1", "{\"kty\":\"RSA\",\"n\":\"" RFC_N
      "\",\"e\":\"__________8\"}", ALGS_RS | ALGS_PS },
    { "e = 2^64 + 1", "{\"kty\":\"RSA\",\"n\":\"" RFC_N
      "\",\"e\":\"AQAAAAAAAAAB\"}", 0 },
    /* points */
    { "crv is missing", "{\"kty\":\"EC\",\"x\":\"" RFC_X "\",\"y\":\"" RFC_Y
      "\"}", 0 },
    { "crv secp256k1", "{\"kty\":\"EC\",\"crv\":\"secp256k1\",\"x\":\"" RFC_X
      "\",\"y\":\"" RFC_Y "\"}", 0 },
    { "crv P-384 for a point of P-256", "{\"kty\":\"EC\",\"crv\":\"P-384\","
      "\"x\":\"" RFC_X "\",\"y\":\"" RFC_Y "\"}", 0 },
    { "x and y exchanged are no point", "{\"kty\":\"EC\",\"crv\":\"P-256\","
      "\"x\":\"" RFC_Y "\",\"y\":\"" RFC_X "\"}", 0 },
    { "(0, 0) is no point", "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\""
      "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\",\"y\":\""
      "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\"}", 0 },
    { "y is missing", "{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"" RFC_X
      "\"}", 0 },
    { "a zero octet before x is too long", "{\"kty\":\"EC\",\"crv\":\"P-256"
      "\",\"x\":\"AH_NzidwNsRdQYPL7m_bS3tYBzM1e-nvE7rPbjx70VRF\",\"y\":\""
      RFC_Y "\"}", 0 },
    /* Ed25519 */
    { "crv X25519", "{\"kty\":\"OKP\",\"crv\":\"X25519\",\"x\":\"" RFC_ED
      "\"}", 0 },
    { "crv Ed448", "{\"kty\":\"OKP\",\"crv\":\"Ed448\",\"x\":\"" RFC_ED
      "\"}", 0 },
    { "x of 31 octets", "{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\""
      "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHUQ\"}", 0 },
    { "x of 33 octets", "{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\""
      "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURoA\"}", 0 },
    { "x = 0 is of small order", "{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x"
      "\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\"}", 0 },
    { "the neutral point is of small order", "{\"kty\":\"OKP\",\"crv\":\""
      "Ed25519\",\"x\":\"AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\"}", 0 },
    { "also with its sign bit set", "{\"kty\":\"OKP\",\"crv\":\""
      "Ed25519\",\"x\":\"AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAIA\"}", 0 },
    { "a point of order 8", "{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\""
      "JuiVj8KyJ7BFw_SJ8u-Y8NXfrAXTxjM5sTgCiG1T_AU\"}", 0 },
    { "a point of order 2 (p - 1)", "{\"kty\":\"OKP\",\"crv\":\"Ed25519\","
      "\"x\":\"7P_______________________________________38\"}", 0 },
    /* oct */
    { "k of 32 octets is for HS256 only", "{\"kty\":\"oct\",\"k\":\""
      "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8\"}", 1 },
    { "and not for its alg HS512", "{\"kty\":\"oct\",\"alg\":\"HS512\","
      "\"k\":\"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8\"}", 0 },
    { "k of 31 octets is too short", "{\"kty\":\"oct\",\"k\":\""
      "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHg\"}", 0 },
    { "k with a tail bit set", "{\"kty\":\"oct\",\"k\":\""
      "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh9\"}", 0 },
    { "k is missing", "{\"kty\":\"oct\"}", 0 }
};

static void test_bare(void)
{
    const jm_keyset_t *set;
    heard_t heard;
    unsigned i;

    for (i = 0; i < sizeof(bare) / sizeof(*bare); i++) {
        set = read_jwks(&heard, bare[i].json, 0);
        if (!ok((set ? set->algs : 0) == bare[i].algs, "%s: %s",
                bare[i].algs ? "usable" : "error", bare[i].sentence)) {
            printf("# %s\n", heard.text ? heard.text : "nothing reported");
        }
    }
    ok(read_jwks(&heard, "{" ED_KEY ",\"kid\":\"a\"}", 0)->match_kid == 1,
       "the kid of a bare JWK must match");
    ok(read_jwks(&heard, "{" ED_KEY "}", 0)->match_kid == 0,
       "a bare JWK without one ignores the kid");
    ok(read_jwks(&heard, "{\"keys\":[{" ED_KEY "}]}", 0)->match_kid == 1,
       "a set of one without kid does not");
}

/* n of so many bits, all ones, as a JWK. */
static const char *rsa_of(apr_pool_t *p, unsigned bits)
{
    apr_size_t len = (bits + 7) / 8;
    char *octets = apr_palloc(p, len);

    memset(octets, 0xff, len);
    octets[0] = (char)(0xff >> ((8 - bits % 8) % 8));
    return apr_pstrcat(p, "{\"kty\":\"RSA\",\"e\":\"AQAB\",\"n\":\"",
                       jm_b64_encode(p, jm_strn(octets, len)).ptr, "\"}",
                       NULL);
}

static void test_rsa_limits(apr_pool_t *p)
{
    static const struct {
        unsigned bits;
        int good;
    } cases[] = {
        { 1024, 0 }, { 2047, 0 }, { 2048, 1 }, { 2049, 1 }, { 8192, 1 },
        { 8193, 0 }, { 8200, 0 }, { 16384, 0 }, { 400000, 0 }
    };
    const jm_keyset_t *set;
    heard_t heard;
    unsigned i;

    for (i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        set = read_jwks(&heard, rsa_of(p, cases[i].bits), 0);
        ok((set != NULL) == cases[i].good, "a modulus of %u bits is %s",
           cases[i].bits, cases[i].good ? "fine" : "refused");
        if (set) {
            ok(set->keys[0].size == (cases[i].bits + 7) / 8,
               "and its signatures have as many octets");
        }
    }
    set = read_jwks(&heard, "{\"kty\":\"RSA\",\"e\":\"AQAB\",\"n\":\"AAAA\"}",
                    0);
    ok(!set, "a modulus of zero is refused");
    set = read_jwks(&heard, apr_pstrcat(
        p, "{\"kty\":\"RSA\",\"e\":\"AQAB\",\"n\":\"",
        jm_b64_encode(p, jm_strn(memset(apr_palloc(p, 256), 0xfe, 256), 256))
            .ptr, "\"}", NULL), 0);
    ok(!set, "an even modulus is refused");
}

/* --- sets --- */

typedef struct set_case_t {
    const char *sentence;
    const char *entries;
    int remote;
    unsigned count;            /* usable keys; 0: an error */
    unsigned warnings;
} set_case_t;

static const set_case_t sets[] = {
    { "two keys", "{" RSA_KEY "},{" EC_KEY "}", 0, 2, 0 },
    { "an unknown kty is skipped silently", "{\"kty\":\"AKP\",\"d\":1},{"
      ED_KEY "}", 0, 1, 0 },
    { "use enc is skipped silently", "{" RSA_KEY ",\"use\":\"enc\",\"alg\":"
      "\"RSA-OAEP\"},{" ED_KEY "}", 0, 1, 0 },
    { "an alg that is not for signatures is warned of", "{" RSA_KEY
      ",\"alg\":\"RSA-OAEP\"},{" ED_KEY "}", 0, 1, 1 },
    { "a weak key is ignored with a warning", "{\"kty\":\"RSA\",\"n\":\"AQAB"
      "\",\"e\":\"AQAB\"},{" ED_KEY "}", 0, 1, 1 },
    { "entries that are no objects are warned of", "1,null,\"x\",[],{},{"
      ED_KEY "}", 0, 1, 5 },
    { "nothing usable is an error", "{\"kty\":\"AKP\"}", 0, 0, 0 },
    { "nothing usable but a weak key is an error", "{\"kty\":\"RSA\",\"n\":"
      "\"AQAB\",\"e\":\"AQAB\"}", 0, 0, 1 },
    { "a short oct is ignored with a warning", "{\"kty\":\"oct\",\"k\":"
      "\"AQAB\"},{" OCT "}", 0, 1, 1 },
    { "a private key fails a static set", "{" RSA_KEY "},{" EC_KEY
      ",\"d\":\"AQAB\"}", 0, 0, 0 },
    { "a mixed static set is an error", "{" RSA_KEY "},{" OCT "}", 0, 0, 0 },
    { "in either order", "{" OCT "},{" ED_KEY "},{" OCT "}", 0, 0, 0 },
    { "also if the oct is weak", "{" ED_KEY "},{\"kty\":\"oct\",\"k\":"
      "\"AQAB\"}", 0, 0, 1 },
    { "but not if it is not for signatures", "{" ED_KEY "},{" OCT
      ",\"use\":\"enc\"}", 0, 1, 0 },
    { "from a URL a private key is ignored", "{" RSA_KEY "},{" EC_KEY
      ",\"d\":\"AQAB\"}", 1, 1, 1 },
    { "from a URL an oct key is ignored", "{" RSA_KEY "},{" OCT "}", 1, 1,
      1 },
    { "from a URL only oct is an error", "{" OCT "}", 1, 0, 1 },
    { "from a URL nothing is an error", "", 1, 0, 0 },
    { "one kid may stand on several entries", "{" RSA_KEY ",\"kid\":\"a\"},{"
      EC_KEY ",\"kid\":\"a\"}", 0, 2, 0 }
};

static void test_sets(apr_pool_t *p)
{
    const jm_keyset_t *set;
    heard_t heard;
    unsigned i;

    for (i = 0; i < sizeof(sets) / sizeof(*sets); i++) {
        set = read_jwks(&heard, apr_pstrcat(p, "{\"keys\":[", sets[i].entries,
                                            "]}", NULL), sets[i].remote);
        if (!ok((set ? set->count : 0) == sets[i].count
                && heard.warnings == sets[i].warnings, "%s",
                sets[i].sentence)) {
            printf("# %u keys, %u warnings, %u errors: %s\n",
                   set ? set->count : 0, heard.warnings, heard.errors,
                   heard.text ? heard.text : "");
        }
    }
}

/* So many entries with kid k0, k1, … */
static const char *many(apr_pool_t *p, unsigned count)
{
    apr_array_header_t *list = apr_array_make(p, 1, sizeof(char *));
    unsigned i;

    for (i = 0; i < count; i++) {
        *(const char **)apr_array_push(list) =
            apr_psprintf(p, "{" ED_KEY ",\"kid\":\"k%u\"}", i);
    }
    return apr_pstrcat(p, "{\"keys\":[", apr_array_pstrcat(p, list, ','),
                       "]}", NULL);
}

static void test_counts(apr_pool_t *p)
{
    const jm_keyset_t *set;
    heard_t heard;

    set = read_jwks(&heard, many(p, 100), 1);
    ok(set && set->count == 100, "a URL may give 100 keys");
    ok(!read_jwks(&heard, many(p, 101), 1), "and not 101");
    set = read_jwks(&heard, many(p, 1000), 0);
    ok(set && set->count == 1000, "a static set may have more");
}

static void test_reports(apr_pool_t *p)
{
    const jm_keyset_t *set;
    heard_t heard;

    set = read_jwks(&heard, "{\"keys\":[{" ED_KEY ",\"kid\":\"<kid>\"},{"
                    RSA_KEY ",\"alg\":\"<alg>\",\"kid\":\"<kid>\"}]}", 1);
    ok(set && heard.at && !strcmp(jm_json_pointer(p, heard.at), "/keys/1"),
       "a warning points at its entry");
    ok(heard.text && !strchr(heard.text, '<'),
       "and repeats nothing of what the set says");
}

int main(void)
{
    apr_pool_t *p = keys_start();

    test_algorithms(p);
    test_secrets(p);
    test_bare();
    test_rsa_limits(p);
    test_sets(p);
    test_counts(p);
    test_reports(p);
    return tap_done();
}
