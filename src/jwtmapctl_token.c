/*
 * jwtmapctl_token.c: `jwtmapctl token`: makes test keys and test tokens,
 * also ones that must be refused. Reads the key and payload files that it is
 * told to; creates key files, those with a secret in mode 0600; prints the
 * token, never a key.
 */
#include "jwtmapctl.h"

#include <stdio.h>

#include <apr_file_info.h>

#include "jm_b64.h"
#include "jm_file.h"
#include "jm_mint.h"

/* Bits of a new RSA key: what OpenSSL makes, and what is not for tests. */
#define BITS_MIN 512
#define BITS_MAX 16384

#define PERM_SECRET (APR_FPROT_UREAD | APR_FPROT_UWRITE)
#define PERM_PUBLIC (PERM_SECRET | APR_FPROT_GREAD | APR_FPROT_WREAD)

#define OUTPUTS_MAX 3

static const jwtmapctl_option_t token_options[] = {
    { "key", JWTMAPCTL_OPT_KEY, "FILE", 0,
      "signs with this private key (PEM)" },
    { "secret-file", JWTMAPCTL_OPT_SECRET_FILE, "FILE", 0,
      "signs with this secret, less one newline at its end" },
    { "secret", JWTMAPCTL_OPT_SECRET, "TEXT", 0,
      "signs with this secret, which others can see in ps" },
    { "new-key", JWTMAPCTL_OPT_NEW_KEY, "FILE", 0,
      "creates a private key or, for HS, a secret" },
    { "alg", JWTMAPCTL_OPT_ALG, "ALG", 0,
      "the algorithm; without it, the usual one of the key" },
    { "bits", JWTMAPCTL_OPT_BITS, "N", 0, "size of a new RSA key (2048)" },
    { "kid", JWTMAPCTL_OPT_KID, "KID", 0, "kid of the key and the token" },
    { "public-out", JWTMAPCTL_OPT_PUBLIC_OUT, "FILE", 0,
      "creates the public key (PEM)" },
    { "jwks-out", JWTMAPCTL_OPT_JWKS_OUT, "FILE", 0,
      "creates a JWK Set with the public key or, for HS, the secret" },
    { "force", JWTMAPCTL_OPT_FORCE, NULL, 0, "replaces files" },
    { "sub", JWTMAPCTL_OPT_SUB, "TEXT", 0, "claim sub" },
    { "iss", JWTMAPCTL_OPT_ISS, "TEXT", 0, "claim iss" },
    { "aud", JWTMAPCTL_OPT_AUD, "TEXT", 1,
      "claim aud; an array if it stands more than once" },
    { "exp", JWTMAPCTL_OPT_EXP, "TIME", 0,
      "claim exp: seconds since 1970, or +N, -N from now (+3600)" },
    { "nbf", JWTMAPCTL_OPT_NBF, "TIME", 0, "claim nbf" },
    { "iat", JWTMAPCTL_OPT_IAT, "TIME", 0, "claim iat" },
    { "no-exp", JWTMAPCTL_OPT_NO_EXP, NULL, 0, "no claim exp" },
    { "claim", JWTMAPCTL_OPT_CLAIM, "NAME=TEXT", 1, "a claim as a string" },
    { "claim-json", JWTMAPCTL_OPT_CLAIM_JSON, "NAME=JSON", 1,
      "a claim as JSON" },
    { "claims", JWTMAPCTL_OPT_CLAIMS, "JSON", 0,
      "an object that the options above add to" },
    { "payload-raw", JWTMAPCTL_OPT_PAYLOAD_RAW, "FILE", 0,
      "signs exactly these octets; - reads standard input" },
    { "typ", JWTMAPCTL_OPT_TYP, "TEXT", 0, "header typ (JWT)" },
    { "header", JWTMAPCTL_OPT_HEADER, "JSON", 0,
      "members to add to the header, or to replace in it" },
    { "header-raw", JWTMAPCTL_OPT_HEADER_RAW, "TEXT", 0,
      "exactly this as the header" },
    { NULL, 0, NULL, 0, NULL }
};

/* What says something about the token, and so asks for one. */
static const int token_codes[] = {
    JWTMAPCTL_OPT_SUB, JWTMAPCTL_OPT_ISS, JWTMAPCTL_OPT_AUD,
    JWTMAPCTL_OPT_EXP, JWTMAPCTL_OPT_NBF, JWTMAPCTL_OPT_IAT,
    JWTMAPCTL_OPT_NO_EXP, JWTMAPCTL_OPT_CLAIM, JWTMAPCTL_OPT_CLAIM_JSON,
    JWTMAPCTL_OPT_CLAIMS, JWTMAPCTL_OPT_PAYLOAD_RAW, JWTMAPCTL_OPT_TYP,
    JWTMAPCTL_OPT_HEADER, JWTMAPCTL_OPT_HEADER_RAW, 0
};

static const int key_codes[] = {
    JWTMAPCTL_OPT_KEY, JWTMAPCTL_OPT_SECRET_FILE, JWTMAPCTL_OPT_SECRET,
    JWTMAPCTL_OPT_NEW_KEY, 0
};

static const int output_codes[] = {
    JWTMAPCTL_OPT_NEW_KEY, JWTMAPCTL_OPT_PUBLIC_OUT, JWTMAPCTL_OPT_JWKS_OUT,
    0
};

/* Two options of which one would go unheard. */
static const int clashes[][2] = {
    { JWTMAPCTL_OPT_EXP, JWTMAPCTL_OPT_NO_EXP },
    { JWTMAPCTL_OPT_HEADER_RAW, JWTMAPCTL_OPT_HEADER },
    { JWTMAPCTL_OPT_HEADER_RAW, JWTMAPCTL_OPT_TYP },
    { JWTMAPCTL_OPT_PAYLOAD_RAW, JWTMAPCTL_OPT_SUB },
    { JWTMAPCTL_OPT_PAYLOAD_RAW, JWTMAPCTL_OPT_ISS },
    { JWTMAPCTL_OPT_PAYLOAD_RAW, JWTMAPCTL_OPT_AUD },
    { JWTMAPCTL_OPT_PAYLOAD_RAW, JWTMAPCTL_OPT_EXP },
    { JWTMAPCTL_OPT_PAYLOAD_RAW, JWTMAPCTL_OPT_NBF },
    { JWTMAPCTL_OPT_PAYLOAD_RAW, JWTMAPCTL_OPT_IAT },
    { JWTMAPCTL_OPT_PAYLOAD_RAW, JWTMAPCTL_OPT_NO_EXP },
    { JWTMAPCTL_OPT_PAYLOAD_RAW, JWTMAPCTL_OPT_CLAIM },
    { JWTMAPCTL_OPT_PAYLOAD_RAW, JWTMAPCTL_OPT_CLAIM_JSON },
    { JWTMAPCTL_OPT_PAYLOAD_RAW, JWTMAPCTL_OPT_CLAIMS },
};

typedef struct work_t {
    const jwtmapctl_t *ctl;
    const jm_alg_t *alg;
    const char *alg_name;          /* as the header shall have it */
    const jm_str_t *kid;           /* NULL: none */
    unsigned bits;                 /* of a new RSA key; 0: the usual */
    jm_mint_t *key;
    jwtmapctl_output_t outputs[OUTPUTS_MAX];
    unsigned output_count;
} work_t;

static unsigned count_given(const jwtmapctl_t *ctl, const int *codes)
{
    unsigned n = 0;

    for (; *codes; codes++) {
        n += jwtmapctl_value(ctl, *codes) != NULL;
    }
    return n;
}

static const char *name_of(int code)
{
    const jwtmapctl_option_t *option = token_options;

    while (option->code != code) {
        option++;
    }
    return option->name;
}

static jwtmapctl_exit_e check_clashes(const jwtmapctl_t *ctl)
{
    apr_size_t i;

    if (ctl->operand_count != 0) {
        return jwtmapctl_usage(ctl, "there is no operand");
    }
    if (count_given(ctl, key_codes) != 1) {
        return jwtmapctl_usage(ctl, "exactly one of --key, --secret-file, "
                               "--secret, --new-key is needed");
    }
    for (i = 0; i < sizeof(clashes) / sizeof(*clashes); i++) {
        if (jwtmapctl_value(ctl, clashes[i][0])
            && jwtmapctl_value(ctl, clashes[i][1])) {
            return jwtmapctl_usage(ctl, "--%s and --%s cannot both be",
                                   name_of(clashes[i][0]),
                                   name_of(clashes[i][1]));
        }
    }
    return JWTMAPCTL_OK;
}

static jwtmapctl_exit_e read_bits(work_t *work)
{
    const char *text = jwtmapctl_value(work->ctl, JWTMAPCTL_OPT_BITS);
    apr_int64_t bits;

    if (!text) {
        return JWTMAPCTL_OK;
    }
    if (!work->alg || work->alg->family != JM_FAMILY_RSA
        || !jwtmapctl_value(work->ctl, JWTMAPCTL_OPT_NEW_KEY)) {
        return jwtmapctl_usage(work->ctl, "--bits is for a new RSA key");
    }
    if (jwtmapctl_seconds(&bits, text) != APR_SUCCESS || bits < BITS_MIN
        || bits > BITS_MAX) {
        return jwtmapctl_usage(work->ctl, "--bits takes a number from %d to "
                               "%d", BITS_MIN, BITS_MAX);
    }
    work->bits = (unsigned)bits;
    return JWTMAPCTL_OK;
}

static jwtmapctl_exit_e read_options(work_t *work)
{
    const jwtmapctl_t *ctl = work->ctl;
    const char *kid = jwtmapctl_value(ctl, JWTMAPCTL_OPT_KID);
    jm_str_t *view;

    work->alg_name = jwtmapctl_value(ctl, JWTMAPCTL_OPT_ALG);
    if (work->alg_name) {
        work->alg = jm_alg_find(jm_str(work->alg_name));
        if (!work->alg) {
            return jwtmapctl_usage(ctl, "--alg is unknown%s",
                                   jwtmapctl_hint(ctl->p, work->alg_name,
                                                  jm_alg_names()));
        }
    }
    else if (jwtmapctl_value(ctl, JWTMAPCTL_OPT_NEW_KEY)) {
        return jwtmapctl_usage(ctl, "--new-key needs --alg");
    }
    if (kid) {
        if (!jm_utf8_valid(jm_str(kid))) {
            return jwtmapctl_usage(ctl, "--kid is not UTF-8");
        }
        view = apr_palloc(ctl->p, sizeof(*view));
        *view = jm_str(kid);
        work->kid = view;
    }
    return read_bits(work);
}

/* --- the key --- */

static jwtmapctl_exit_e load_pem(work_t *work, const char *file)
{
    const jwtmapctl_t *ctl = work->ctl;
    const char *error = "";
    jm_str_t pem;

    if (jm_file_read(&pem, &error, ctl->p, file, JM_KEY_FILE_MAX)
            != APR_SUCCESS
        || jm_mint_load_pem(&work->key, &error, ctl->p, pem)
           != APR_SUCCESS) {
        return jwtmapctl_fail(ctl, "%s: %s", file, error);
    }
    return JWTMAPCTL_OK;
}

static jwtmapctl_exit_e load_secret(work_t *work, const char *file)
{
    const jwtmapctl_t *ctl = work->ctl;
    const char *error = "";
    jm_str_t secret = jm_str(jwtmapctl_value(ctl, JWTMAPCTL_OPT_SECRET));

    if (file
        && jm_file_read_secret(&secret, &error, ctl->p, file,
                               JM_KEY_FILE_MAX) != APR_SUCCESS) {
        return jwtmapctl_fail(ctl, "%s: %s", file, error);
    }
    if (secret.len == 0) {
        return jwtmapctl_fail(ctl, "the secret is empty");
    }
    jm_mint_load_secret(&work->key, ctl->p, secret);
    return JWTMAPCTL_OK;
}

/* A secret is base64url text: octets would be cut where secret_file drops a
 * newline at their end. */
static jwtmapctl_exit_e generate(work_t *work)
{
    apr_pool_t *p = work->ctl->p;
    apr_status_t rv = jm_mint_generate(&work->key, p, work->alg, work->bits);

    if (rv == APR_SUCCESS && work->alg->family == JM_FAMILY_HMAC) {
        rv = jm_mint_load_secret(&work->key, p, jm_b64_encode(
                                     p, jm_mint_secret(work->key)));
    }
    if (rv != APR_SUCCESS) {
        return jwtmapctl_fail(work->ctl, "the key could not be made");
    }
    return JWTMAPCTL_OK;
}

/* What --alg names must be for the key, or the set would tell a lie. */
static jwtmapctl_exit_e settle_alg(work_t *work)
{
    const jm_alg_t *usual = jm_mint_alg(work->key);

    if (!work->alg) {
        work->alg = usual;
        work->alg_name = usual->name;
    }
    if (work->alg->family != usual->family
        || work->alg->curve != usual->curve) {
        return jwtmapctl_fail(work->ctl, "the key is not for %s",
                              work->alg->name);
    }
    return JWTMAPCTL_OK;
}

static jwtmapctl_exit_e make_key(work_t *work)
{
    const jwtmapctl_t *ctl = work->ctl;
    const char *file = jwtmapctl_value(ctl, JWTMAPCTL_OPT_KEY);
    jwtmapctl_exit_e rv;

    if (file) {
        rv = load_pem(work, file);
    }
    else if (jwtmapctl_value(ctl, JWTMAPCTL_OPT_NEW_KEY)) {
        rv = generate(work);
    }
    else {
        rv = load_secret(work, jwtmapctl_value(ctl,
                                               JWTMAPCTL_OPT_SECRET_FILE));
    }
    return rv == JWTMAPCTL_OK ? settle_alg(work) : rv;
}

/* --- files --- */

static void add_output(work_t *work, const char *path, jm_str_t text,
                       apr_fileperms_t perms)
{
    jwtmapctl_output_t *output = &work->outputs[work->output_count++];

    output->path = path;
    output->text = text;
    output->perms = perms;
}

static jm_str_t with_newline(apr_pool_t *p, jm_str_t text)
{
    return jm_str(apr_pstrcat(p, apr_pstrmemdup(p, text.ptr, text.len), "\n",
                              NULL));
}

static apr_status_t add_private(work_t *work, const char *path)
{
    apr_pool_t *p = work->ctl->p;
    jm_str_t text;
    apr_status_t rv = APR_SUCCESS;

    if (work->alg->family == JM_FAMILY_HMAC) {
        text = with_newline(p, jm_mint_secret(work->key));
    }
    else {
        rv = jm_mint_private_pem(&text, p, work->key);
    }
    if (rv == APR_SUCCESS) {
        add_output(work, path, text, PERM_SECRET);
    }
    return rv;
}

static apr_status_t add_public(work_t *work, const char *path)
{
    jm_str_t text;
    apr_status_t rv = jm_mint_public_pem(&text, work->ctl->p, work->key);

    if (rv == APR_SUCCESS) {
        add_output(work, path, text, PERM_PUBLIC);
    }
    return rv;
}

static apr_status_t add_jwks(work_t *work, const char *path)
{
    apr_pool_t *p = work->ctl->p;
    int secret = jm_mint_alg(work->key)->family == JM_FAMILY_HMAC;
    jm_str_t jwk;
    apr_status_t rv = jm_mint_jwk(&jwk, p, work->key, work->alg_name,
                                  work->kid);

    if (rv == APR_SUCCESS) {
        add_output(work, path,
                   jm_str(apr_psprintf(p, "{\"keys\":[%.*s]}\n",
                                       (int)jwk.len, jwk.ptr)),
                   secret ? PERM_SECRET : PERM_PUBLIC);
    }
    return rv;
}

static const struct {
    int code;
    apr_status_t (*add)(work_t *work, const char *path);
} makers[] = {
    { JWTMAPCTL_OPT_NEW_KEY, add_private },
    { JWTMAPCTL_OPT_PUBLIC_OUT, add_public },
    { JWTMAPCTL_OPT_JWKS_OUT, add_jwks }
};

static jwtmapctl_exit_e make_outputs(work_t *work)
{
    apr_size_t i;

    for (i = 0; i < sizeof(makers) / sizeof(*makers); i++) {
        const char *path = jwtmapctl_value(work->ctl, makers[i].code);

        if (path && makers[i].add(work, path) != APR_SUCCESS) {
            return jwtmapctl_fail(work->ctl, "--%s: the key has no such form"
                                  "%s", name_of(makers[i].code),
                                  work->alg->family == JM_FAMILY_HMAC
                                      ? ", it is a secret" : "");
        }
    }
    return JWTMAPCTL_OK;
}

/* --- the token --- */

static jwtmapctl_exit_e sign(jm_str_t *ptoken, const work_t *work)
{
    const jwtmapctl_t *ctl = work->ctl;
    jm_str_t header;
    jm_str_t payload;
    jwtmapctl_exit_e rv = jwtmapctl_header(&header, ctl, work->alg_name,
                                           work->kid);

    if (rv == JWTMAPCTL_OK) {
        rv = jwtmapctl_payload(&payload, ctl);
    }
    if (rv == JWTMAPCTL_OK
        && jm_mint_sign(ptoken, ctl->p, work->key, work->alg, header,
                        payload) != APR_SUCCESS) {
        rv = jwtmapctl_fail(ctl, "the key cannot sign with %s",
                            work->alg_name);
    }
    return rv;
}

static void print_token(const jwtmapctl_t *ctl, jm_str_t token)
{
    int json = jwtmapctl_value(ctl, JWTMAPCTL_OPT_JSON) != NULL;

    printf("%s%.*s%s\n", json ? "{\"token\":\"" : "", (int)token.len,
           token.ptr, json ? "\"}" : "");
}

static jwtmapctl_exit_e run(jwtmapctl_t *ctl)
{
    work_t work = { ctl, NULL, NULL, NULL, 0, NULL, { { 0 } }, 0 };
    jm_str_t token = { NULL, 0 };
    int wanted = count_given(ctl, token_codes)
                 || !count_given(ctl, output_codes);
    jwtmapctl_exit_e rv;

    if ((rv = check_clashes(ctl)) != JWTMAPCTL_OK
        || (rv = read_options(&work)) != JWTMAPCTL_OK
        || (rv = make_key(&work)) != JWTMAPCTL_OK
        || (rv = make_outputs(&work)) != JWTMAPCTL_OK
        || (wanted && (rv = sign(&token, &work)) != JWTMAPCTL_OK)
        || (rv = jwtmapctl_create(ctl, work.outputs, work.output_count))
           != JWTMAPCTL_OK) {
        return rv;
    }
    if (wanted) {
        print_token(ctl, token);
    }
    return JWTMAPCTL_OK;
}

static const jwtmapctl_option_t *const options[] = {
    token_options, jwtmapctl_common_options, NULL
};

const jwtmapctl_verb_t jwtmapctl_token_verb = {
    "token", "", "makes test keys and test tokens", options, run
};
