/*
 * jm_compile_auth.c: `authorizer` and `authorizers`: type, policy,
 * algorithms. Touches the state of the compilation; jm_compile_key.c reads
 * the keys.
 */
#include "jm_compile_state.h"

#include "jm_char.h"
#include "jm_claims.h"

#define LEEWAY_MAX 3600
#define LIFETIME_MAX APR_INT32_MAX /* seconds */

#define POLICY_MEMBERS \
    "type", "issuer", "audience", "algorithms", "algorithm", "leeway", \
    "require_expiration", "max_lifetime", "typ", "from_headers", \
    "from_cookies", "user_claim", "revoked_file", "bound_tokens", \
    "description", "summary", "tags"

#define KEY_MEMBERS \
    "secret", "secret_file", "public_key", "public_key_file", "jwks", \
    "jwks_file", "jwks_uri", "cache_duration", "min_refresh", \
    "stale_grace", "tls_ca_file"

static const char *const jwt_members[] = {
    POLICY_MEMBERS, KEY_MEMBERS, NULL
};

static const char *const auth0_members[] = {
    POLICY_MEMBERS, KEY_MEMBERS, "domain", "client_id", "client_secret",
    "redirect_uri", "callback_uri", "scope", NULL
};

static const char *const supabase_members[] = {
    POLICY_MEMBERS, "jwt_secret", NULL
};

/* Of the origin's login, which is not served. */
static const char *const login_members[] = {
    "client_secret", "redirect_uri", "callback_uri", "scope", NULL
};

static const jm_compile_kind_t kinds[] = {
    { "jwt", jwt_members, JM_ALGS_ALL, 0, NULL },
    { "auth0", auth0_members, JM_ALGS_ALL, 1, NULL },
    { "supabase", supabase_members, 0, 0, "jwt_secret" },
    { "oidc", jwt_members, JM_ALGS_ALL, 1, NULL }
};

#define KIND_COUNT (sizeof(kinds) / sizeof(kinds[0]))

static const char *const kind_names[] = {
    "jwt", "auth0", "supabase", "oidc", NULL
};

/* The type; of a wrong one, jwt, and *pknown is 0. */
static const jm_compile_kind_t *read_kind(int *pknown, jm_compile_t *c,
                                          const jm_json_t *node)
{
    const jm_json_t *at;
    const char *hint;
    jm_str_t text;
    unsigned i;

    *pknown = 0;
    switch (jm_member_string(&text, &at, &c->subst, node, "type")) {
    case JM_MEMBER_ABSENT:
        jm_json_diag(c->diags, JM_ERROR, node, "\"type\" is missing: write "
                     "\"type\": \"jwt\", \"auth0\", \"supabase\" or "
                     "\"oidc\"");
        return &kinds[0];
    case JM_MEMBER_OK:
        break;
    default:
        return &kinds[0];
    }
    for (i = 0; i < KIND_COUNT; i++) {
        if (jm_str_is(text, kinds[i].name)) {
            *pknown = 1;
            return &kinds[i];
        }
    }
    hint = jm_diag_hint(c->ptemp, text.ptr, kind_names);
    jm_json_diag(c->diags, JM_ERROR, at, "\"%s\" is no type of authorizer%s",
                 at->text.ptr, *hint ? hint : ": write \"jwt\", \"auth0\", "
                 "\"supabase\" or \"oidc\"");
    return &kinds[0];
}

static const jm_str_t *read_texts(unsigned *pcount, jm_compile_t *c,
                                  const jm_json_t *node, const char *name)
{
    const jm_item_t *items;
    jm_str_t *texts;
    unsigned count;
    unsigned i;

    jm_member_items(&items, &count, &c->subst, node, name, 1, 0);
    texts = apr_pcalloc(c->p, (count + 1) * sizeof(*texts));
    for (i = 0; i < count; i++) {
        texts[i] = jm_str_dup(c->p, items[i].text);
    }
    *pcount = count;
    return texts;
}

static void read_bound(jm_policy_t *policy, jm_compile_t *c,
                       const jm_json_t *node)
{
    const jm_json_t *at;
    jm_str_t text;

    if (jm_member_string(&text, &at, &c->subst, node, "bound_tokens")
        != JM_MEMBER_OK) {
        return;
    }
    policy->allow_bound = jm_str_is(text, "ignore");
    if (!policy->allow_bound && !jm_str_is(text, "refuse")) {
        jm_json_diag(c->diags, JM_ERROR, at, "\"%s\" is neither \"refuse\" "
                     "nor \"ignore\"", at->text.ptr);
    }
}

static void read_policy(jm_policy_t *policy, jm_compile_t *c,
                        const jm_json_t *node)
{
    jm_str_t text;

    policy->leeway = JM_LEEWAY_DEFAULT;
    policy->require_expiration = 1;
    policy->issuers = read_texts(&policy->issuer_count, c, node, "issuer");
    policy->audiences = read_texts(&policy->audience_count, c, node,
                                   "audience");
    jm_member_int(&policy->leeway, &c->subst, node, "leeway", 0, LEEWAY_MAX);
    jm_member_int(&policy->max_lifetime, &c->subst, node, "max_lifetime", 1,
                  LIFETIME_MAX);
    jm_member_bool(&policy->require_expiration, &c->subst, node,
                   "require_expiration");
    if (jm_member_string(&text, NULL, &c->subst, node, "typ")
        == JM_MEMBER_OK) {
        policy->typ = jm_str_dup(c->p, text);
    }
    read_bound(policy, c, node);
}

static void one_text(const jm_str_t **ptexts, unsigned *pcount,
                     apr_pool_t *p, jm_str_t text)
{
    jm_str_t *texts = apr_palloc(p, sizeof(*texts));

    *texts = jm_str_dup(p, text);
    *ptexts = texts;
    *pcount = 1;
}

/* A tenant's host name, from which its issuer is made. */
static int is_domain(jm_str_t text)
{
    apr_size_t i;

    for (i = 0; i < text.len; i++) {
        char c = text.ptr[i];

        if (!jm_char_is_alnum(c) && c != '-' && c != '.') {
            return 0;
        }
    }
    return 1;
}

static void read_domain(jm_policy_t *policy, jm_compile_t *c,
                        const jm_json_t *node)
{
    const jm_json_t *at;
    jm_str_t text;

    switch (jm_member_string(&text, &at, &c->subst, node, "domain")) {
    case JM_MEMBER_ABSENT:
        jm_json_diag(c->diags, JM_ERROR, node, "\"domain\" is missing: write "
                     "the tenant's host, \"TENANT.eu.auth0.com\"");
        return;
    case JM_MEMBER_OK:
        break;
    default:
        return;
    }
    if (!is_domain(text)) {
        jm_json_diag(c->diags, JM_ERROR, at, "is no host name: write it "
                     "without scheme and path, \"TENANT.eu.auth0.com\"");
        return;
    }
    if (!jm_member_find(node, "issuer")) {
        one_text(&policy->issuers, &policy->issuer_count, c->p,
                 jm_str(apr_pstrcat(c->ptemp, "https://", text.ptr, "/",
                                    NULL)));
    }
}

static void read_auth0(jm_policy_t *policy, jm_compile_t *c,
                       const jm_json_t *node)
{
    const jm_json_t *at;
    const char *const *name;
    jm_member_e got;
    jm_str_t text;

    read_domain(policy, c, node);
    for (name = login_members; *name; name++) {
        at = jm_member_find(node, *name);
        if (at) {
            jm_json_diag_name(c->diags, JM_WARNING, at, "\"%s\" is ignored: "
                              "there is no login here, only verification",
                              *name);
        }
    }
    got = jm_member_string(&text, &at, &c->subst, node, "client_id");
    if ((got == JM_MEMBER_OK || got == JM_MEMBER_UNKNOWN)
        && !jm_member_find(node, "audience")) {
        jm_json_diag_name(c->diags, JM_WARNING, at, "is taken for the "
                          "audience, because there is none: write "
                          "\"audience\" with the identifier of your API");
        one_text(&policy->audiences, &policy->audience_count, c->p,
                 got == JM_MEMBER_OK ? text : at->text);
    }
}

static void read_user_claim(jm_authorizer_t *a, jm_compile_t *c,
                            const jm_json_t *node)
{
    const jm_json_t *at;
    const char *error = NULL;
    jm_str_t name = jm_str("sub");

    if (jm_member_string(&name, &at, &c->subst, node, "user_claim")
        == JM_MEMBER_ABSENT) {
        name = jm_str("sub");
    }
    a->user_name = jm_str_dup(c->p, name).ptr;
    if (name.len > 0
        && jm_path_of_name(&a->user_claim, &error, c->p,
                           jm_str_dup(c->p, name)) != APR_SUCCESS) {
        jm_json_diag(c->diags, JM_ERROR, at, "\"%s\" is no path of a claim: "
                     "%s", at->text.ptr, error);
    }
}

static const jm_alg_t *find_alg(jm_compile_t *c, const jm_item_t *item)
{
    const jm_alg_t *alg = jm_alg_find(item->text);
    const char *hint;

    if (alg) {
        return alg;
    }
    if (!strcasecmp(item->text.ptr, "none")) {
        jm_json_diag(c->diags, JM_ERROR, item->node, "a token without a "
                     "signature is never accepted: name the algorithm that "
                     "the issuer signs with");
    }
    else if (!item->unknown) {
        hint = jm_diag_hint(c->ptemp, item->text.ptr, jm_alg_names());
        jm_json_diag(c->diags, JM_ERROR, item->node, "\"%s\" is no signature "
                     "algorithm%s%s", item->node->text.ptr,
                     *hint ? hint : ": write one of ",
                     *hint ? "" : jm_alg_list(c->ptemp, JM_ALGS_ALL));
    }
    return NULL;
}

/* Every entry that no key serves; an error if that is all of them. */
static void match_algs(jm_authorizer_t *a, jm_compile_t *c,
                       const jm_item_t *items, unsigned count,
                       const jm_json_t *at, jm_algs_t servable)
{
    unsigned i;

    if (!(a->algs & servable)) {
        jm_json_diag(c->diags, JM_ERROR, at, "no key here serves %s: write "
                     "%s", jm_alg_list(c->ptemp, a->algs),
                     jm_alg_list(c->ptemp, servable));
        return;
    }
    for (i = 0; i < count; i++) {
        const jm_alg_t *alg = jm_alg_find(items[i].text);

        if (alg && !(alg->bit & servable)) {
            jm_json_diag(c->diags, JM_WARNING, items[i].node, "no key here "
                         "serves %s: remove it", alg->name);
        }
    }
}

/* A key in a file may be replaced by another one of its kind while we run. */
static jm_algs_t lasting(const jm_authorizer_t *a, jm_algs_t servable)
{
    return a->key_slot && !a->remote ? jm_alg_kin(servable) : servable;
}

/* servable: what the keys and the type can serve; 0: not known. */
static void read_algs(jm_authorizer_t *a, jm_compile_t *c,
                      const jm_json_t *node, jm_algs_t servable)
{
    const jm_json_t *many = jm_member_find(node, "algorithms");
    const jm_json_t *one = jm_member_find(node, "algorithm");
    const jm_item_t *items;
    unsigned count;
    unsigned i;

    if (!many && !one) {
        a->algs = lasting(a, servable);
        return;
    }
    if (many && one) {
        jm_json_diag_name(c->diags, JM_ERROR, one, "stands beside "
                          "\"algorithms\": keep one of them");
    }
    jm_member_items(&items, &count, &c->subst, node,
                    many ? "algorithms" : "algorithm", 1, 0);
    for (i = 0; i < count; i++) {
        const jm_alg_t *alg = find_alg(c, &items[i]);

        a->algs |= alg ? alg->bit : 0;
    }
    if (servable && a->algs) {
        match_algs(a, c, items, count, many ? many : one, servable);
        a->algs &= lasting(a, servable);
    }
}

static void read_revoked(jm_authorizer_t *a, jm_compile_t *c,
                         const jm_json_t *node)
{
    const jm_json_t *at = jm_member_find(node, "revoked_file");

    if (at) {
        jm_compile_file_slot(&a->revoked_slot, a, c, at, JM_WATCH_REVOKED);
    }
}

static jm_algs_t kind_algs(const jm_compile_kind_t *kind)
{
    const jm_alg_t *hs256 = jm_alg_find(jm_str("HS256"));

    /* 0 stands for supabase's one algorithm, whose bit is no constant. */
    return kind->algs || !hs256 ? kind->algs : hs256->bit;
}

static void read_authorizer(jm_authorizer_t *a, jm_compile_t *c,
                            const jm_json_t *node)
{
    const jm_compile_kind_t *kind;
    jm_algs_t servable = 0;
    int known;

    kind = read_kind(&known, c, node);
    if (known) {
        jm_member_check(&c->subst, node, kind->members);
    }
    read_policy(&a->policy, c, node);
    if (!strcmp(kind->name, "auth0")) {
        read_auth0(&a->policy, c, node);
    }
    if (!strcmp(kind->name, "oidc") && !jm_member_find(node, "issuer")) {
        jm_json_diag(c->diags, JM_ERROR, node, "\"issuer\" is missing: "
                     "write the issuer's URL, as in "
                     "\"https://issuer.example\"");
    }
    if (a->policy.audience_count == 0 && !jm_member_find(node, "audience")) {
        jm_json_diag(c->diags, JM_WARNING, node, "no audience is checked, so "
                     "a token for another API of the issuer passes: write "
                     "\"audience\"");
    }
    read_revoked(a, c, node);
    read_user_claim(a, c, node);
    jm_compile_sources(a, c, node);
    if (known
        && jm_compile_keys(a, &servable, c, node, kind) == JM_MEMBER_OK) {
        servable &= kind_algs(kind);
    }
    read_algs(a, c, node, servable);
}

static jm_authorizer_t *add_authorizer(jm_compile_t *c, const char *name,
                                       const jm_json_t *node)
{
    jm_authorizer_t *a = apr_pcalloc(c->p, sizeof(*a));

    a->name = apr_pstrdup(c->p, name);
    APR_ARRAY_PUSH(c->authorizers, jm_authorizer_t *) = a;
    apr_hash_set(c->authorizer_names, a->name, APR_HASH_KEY_STRING, a);
    if (node->type != JM_JSON_OBJECT) {
        jm_member_wrong(&c->subst, node, "an object");
    }
    else {
        read_authorizer(a, c, node);
    }
    return a;
}

/* Names appear in `auth`, logs and notes. */
static int is_name(jm_str_t name)
{
    apr_size_t i;

    for (i = 0; i < name.len; i++) {
        char c = name.ptr[i];

        if (!jm_char_is_name(c) && c != '.') {
            return 0;
        }
    }
    return name.len > 0;
}

static void read_named(jm_compile_t *c)
{
    const jm_json_t *node;
    unsigned i;

    if (jm_member_typed(&node, &c->subst, c->root, "authorizers",
                        JM_JSON_OBJECT) != JM_MEMBER_OK) {
        return;
    }
    if (node->count == 0) {
        jm_json_diag(c->diags, JM_ERROR, node, "must not be empty: name at "
                     "least one authorizer, or remove \"authorizers\"");
    }
    for (i = 0; i < node->count; i++) {
        const jm_json_t *item = &node->items[i];

        if (jm_str_is(item->name, "default")
            || jm_str_is(item->name, "optional")) {
            jm_json_diag_name(c->diags, JM_ERROR, item, "no authorizer may "
                              "be called \"%s\": rename it, or write "
                              "\"authorizer\" for the default one",
                              item->name.ptr);
        }
        else if (!is_name(item->name)) {
            jm_json_diag_name(c->diags, JM_ERROR, item, "the name of an "
                              "authorizer has letters, digits, \"-\", \"_\" "
                              "and \".\" only");
        }
        else {
            add_authorizer(c, item->name.ptr, item);
        }
    }
}

void jm_compile_authorizers(jm_compile_t *c)
{
    const jm_json_t *node = jm_member_find(c->root, "authorizer");
    const jm_authorizer_t *standard = NULL;
    const jm_authorizer_t **list;

    if (node) {
        standard = add_authorizer(c, "default", node);
    }
    read_named(c);
    if (!standard && c->authorizers->nelts == 1) {
        standard = APR_ARRAY_IDX(c->authorizers, 0, jm_authorizer_t *);
    }
    if (standard) {
        list = apr_palloc(c->p, sizeof(*list));
        *list = standard;
        c->standard = list;
    }
}
