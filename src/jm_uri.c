/*
 * jm_uri.c: the path rule, and the text of paths that it needs: normalise,
 * decode, escape. Touches only the pool it was given.
 */
#include "jm_uri.h"

#include "jm_char.h"

/* What the octets of a path ask for. */
#define CARE_REFUSED 0x01U      /* in no path that is served */
#define CARE_SLASH 0x02U        /* encoded `/` or `\` */
#define CARE_SEMICOLON 0x04U
#define CARE_ENCODED 0x08U      /* any %XX */
#define CARE_BACKSLASH 0x10U
#define CARE_NOT_RAW 0x20U      /* no client may send it unencoded */

/* One check: what jm_uri_check was asked. */
typedef struct check_t {
    const jm_table_t *table;
    const jm_uri_t *uri;
    const jm_match_t *match;
    const char *method;
    apr_pool_t *p;
} check_t;

/* The octet that a %XX at offset i of text stands for, or -1: there is none
 * whole. */
static int encoded_at(const char *text, apr_size_t len, apr_size_t i)
{
    int high;
    int low;

    if (text[i] != '%' || len - i < 3) {
        return -1;
    }
    high = jm_char_hex(text[i + 1]);
    low = jm_char_hex(text[i + 2]);
    return high < 0 || low < 0 ? -1 : high * 16 + low;
}

/* Below, `len` octets at `buf` are rewritten in place; none of these makes
 * them more. Each returns how many are left. */

static apr_size_t decode(char *buf, apr_size_t len, int unreserved_only)
{
    apr_size_t from = 0;
    apr_size_t to = 0;

    while (from < len) {
        int c = encoded_at(buf, len, from);

        if (c < 0 || (unreserved_only && !jm_char_is_unreserved((char)c))) {
            buf[to++] = buf[from++];
        }
        else {
            buf[to++] = (char)c;
            from += 3;
        }
    }
    return to;
}

static apr_size_t merge_slashes_of(char *buf, apr_size_t len)
{
    apr_size_t from;
    apr_size_t to = 0;

    for (from = 0; from < len; from++) {
        if (buf[from] != '/' || to == 0 || buf[to - 1] != '/') {
            buf[to++] = buf[from];
        }
    }
    return to;
}

/* The octets of the dot segment at offset i (of a segment's first octet),
 * 1 or 2, or 0: it is none. */
static apr_size_t dots_at(const char *buf, apr_size_t len, apr_size_t i)
{
    apr_size_t n = 0;

    while (n < 3 && i + n < len && buf[i + n] == '.') {
        n++;
    }
    return n < 3 && (i + n == len || buf[i + n] == '/') ? n : 0;
}

/* RFC 3986 5.2.4, as httpd's ap_normalize_path does it: the slash before a
 * dot segment stays, excess `..` is dropped. */
static apr_size_t remove_dots(char *buf, apr_size_t len)
{
    apr_size_t from = 1;
    apr_size_t to = 1;

    if (len == 0 || buf[0] != '/') {
        return len;
    }
    while (from < len) {
        apr_size_t dots = buf[to - 1] == '/' ? dots_at(buf, len, from) : 0;

        if (!dots) {
            buf[to++] = buf[from++];
            continue;
        }
        if (dots == 2 && to > 1) {
            do {
                to--;
            } while (buf[to - 1] != '/');
        }
        from += dots;
        from += from < len;
    }
    return to;
}

/* Cuts every `;…` from its segment. */
static apr_size_t cut(char *buf, apr_size_t len)
{
    apr_size_t from;
    apr_size_t to = 0;
    int in_parameter = 0;

    for (from = 0; from < len; from++) {
        in_parameter = buf[from] == ';' || (in_parameter && buf[from] != '/');
        if (!in_parameter) {
            buf[to++] = buf[from];
        }
    }
    return to;
}

static apr_size_t turn_backslashes(char *buf, apr_size_t len)
{
    apr_size_t i;

    for (i = 0; i < len; i++) {
        if (buf[i] == '\\') {
            buf[i] = '/';
        }
    }
    return len;
}

jm_str_t jm_uri_normalize(apr_pool_t *p, jm_str_t path, int merge_slashes,
                          int decode_unreserved)
{
    char *buf = apr_pstrmemdup(p, path.len ? path.ptr : "", path.len);
    apr_size_t len = path.len;

    if (decode_unreserved) {
        len = decode(buf, len, 1);
    }
    if (merge_slashes) {
        len = merge_slashes_of(buf, len);
    }
    len = remove_dots(buf, len);
    return jm_strn(buf, len);
}

jm_str_t jm_uri_decode(apr_pool_t *p, jm_str_t path, int *pbroken)
{
    char *buf = apr_pstrmemdup(p, path.len ? path.ptr : "", path.len);
    apr_size_t i;

    *pbroken = 0;
    for (i = 0; i < path.len; i++) {
        if (path.ptr[i] == '%' && encoded_at(path.ptr, path.len, i) < 0) {
            *pbroken = 1;
        }
    }
    return jm_strn(buf, decode(buf, path.len, 0));
}

static unsigned care_of_octet(unsigned char c)
{
    if (c < 0x20 || c == 0x7F) {
        return CARE_REFUSED;
    }
    switch (c) {
    case '\\':
        return CARE_REFUSED | CARE_BACKSLASH;
    case ';':
        return CARE_SEMICOLON;
    case ' ':
    case '?':
    case '#':
        return CARE_NOT_RAW;
    default:
        return 0;
    }
}

/* c: what a %XX stands for, or -1 for a `%` that is none. */
static unsigned care_of_encoded(int c)
{
    switch (c) {
    case -1:
        return CARE_NOT_RAW;
    case '/':
    case '\\':
        return CARE_ENCODED | CARE_SLASH;
    case '.':
    case '%':
    case '\0':
        return CARE_ENCODED | CARE_REFUSED;
    default:
        return CARE_ENCODED;
    }
}

/* The one pass that most requests get. */
static unsigned survey(jm_str_t path)
{
    unsigned care = 0;
    apr_size_t i;

    for (i = 0; i < path.len; i++) {
        care |= path.ptr[i] == '%'
                    ? care_of_encoded(encoded_at(path.ptr, path.len, i))
                    : care_of_octet((unsigned char)path.ptr[i]);
    }
    return care;
}

static int same_list(const jm_route_t *const *a, const jm_route_t *const *b)
{
    while (*a && *a == *b) {
        a++;
        b++;
    }
    return *a == *b;
}

/* JM_OK if path selects what uri->path did. Where no route answers, two
 * paths are the same only if they have the same shapes: what becomes of a
 * 405 is not known here. */
static jm_verdict_e selects_same(const check_t *c, jm_str_t path)
{
    const jm_router_t *router = c->table->router;
    jm_match_t other;

    if (jm_router_match(&other, c->p, router, path, c->method)
        != APR_SUCCESS) {
        return JM_INTERNAL;
    }
    if (other.route != c->match->route
        || other.shapes != c->match->shapes) {
        return JM_PATH;
    }
    if (other.route || !other.shapes) {
        return JM_OK;
    }
    return same_list(jm_router_all(c->p, router, path),
                     jm_router_all(c->p, router, c->uri->path))
               ? JM_OK : JM_PATH;
}

/* JM_OK if no route's shape matches path. */
static jm_verdict_e selects_none(const check_t *c, jm_str_t path)
{
    jm_match_t other;

    if (jm_router_match(&other, c->p, c->table->router, path, c->method)
        != APR_SUCCESS) {
        return JM_INTERNAL;
    }
    return other.shapes ? JM_PATH : JM_OK;
}

/* Readings of a path, and those that come of any choice of them in this
 * order. Servers cut before or after they decode, hence twice; a cut can
 * bring two slashes together, which not all merge; nor do all resolve the
 * dot segments of a raw path. */
#define READ_CUT 0x01U
#define READ_DECODE 0x02U
#define READ_BACKSLASH 0x04U
#define READ_CUT_LAST 0x08U
#define READ_MERGE 0x10U
#define READ_KEEP_DOTS 0x20U
#define READ_END 0x40U

static apr_size_t read_as(char *buf, apr_size_t len, unsigned readings)
{
    if (readings & READ_CUT) {
        len = cut(buf, len);
    }
    if (readings & READ_DECODE) {
        len = decode(buf, len, 0);
    }
    if (readings & READ_BACKSLASH) {
        len = turn_backslashes(buf, len);
    }
    if (readings & READ_CUT_LAST) {
        len = cut(buf, len);
    }
    if (readings & READ_MERGE) {
        len = merge_slashes_of(buf, len);
    }
    return readings & READ_KEEP_DOTS ? len : remove_dots(buf, len);
}

/* Asks about path, read with all of always and every choice of optional;
 * JM_OK if every answer is. */
static jm_verdict_e ask_readings(const check_t *c, jm_str_t path,
                                 unsigned always, unsigned optional,
                                 jm_verdict_e (*ask)(const check_t *,
                                                     jm_str_t))
{
    char *buf = apr_palloc(c->p, path.len);
    jm_verdict_e verdict = buf ? JM_OK : JM_INTERNAL;
    unsigned readings;

    for (readings = 0; readings < READ_END && verdict == JM_OK; readings++) {
        if (!(readings & ~optional)) {
            memcpy(buf, path.ptr, path.len);
            verdict = ask(c, jm_strn(buf, read_as(buf, path.len,
                                                  readings | always)));
        }
    }
    return verdict;
}

/* The readings that can change a path. */
static unsigned useful_readings(unsigned care)
{
    unsigned useful = 0;

    if (care & CARE_SEMICOLON) {
        useful |= READ_CUT;
    }
    if (care & CARE_BACKSLASH) {
        useful |= READ_BACKSLASH;
    }
    if ((care & CARE_SEMICOLON) && (care & CARE_BACKSLASH)) {
        useful |= READ_CUT_LAST;
    }
    if (care & CARE_ENCODED) {
        useful |= READ_DECODE | READ_BACKSLASH | READ_CUT_LAST;
    }
    return useful ? useful | READ_MERGE : 0;
}

/* A path outside the table under "unmatched": "pass". */
static jm_verdict_e check_unmatched(const check_t *c, unsigned care)
{
    jm_str_t raw = c->uri->raw;
    unsigned useful = useful_readings(care);
    jm_verdict_e verdict = JM_OK;

    if (useful) {
        verdict = ask_readings(c, c->uri->path, 0, useful, selects_none);
    }
    if (verdict != JM_OK || !raw.len) {
        return verdict;
    }
    return ask_readings(c, raw, 0, useful_readings(survey(raw)) | READ_MERGE
                                   | READ_KEEP_DOTS, selects_none);
}

/* 1 if a path that goes upstream as it came has one spelling only. */
static int is_plain_raw(jm_str_t raw, int merge_slashes, apr_pool_t *p)
{
    return raw.ptr[0] == '/'
           && !(survey(raw) & (CARE_REFUSED | CARE_SLASH | CARE_NOT_RAW))
           && jm_str_eq(raw, jm_uri_normalize(p, raw, merge_slashes, 1));
}

/* JM_OK if raw means a path that selects the same route: mapping=servlet has
 * cut the `;…` from uri->path only. */
static jm_verdict_e check_raw_route(const check_t *c)
{
    int broken;
    jm_str_t decoded = jm_uri_decode(c->p, c->uri->raw, &broken);

    return jm_str_eq(decoded, c->uri->path) ? JM_OK
                                            : selects_same(c, decoded);
}

jm_verdict_e jm_uri_check(const jm_table_t *table, const jm_uri_t *uri,
                          const jm_match_t *match, const char *method,
                          int merge_slashes, apr_pool_t *p)
{
    check_t c = { table, uri, match, method, p };
    unsigned care = survey(uri->path);
    jm_verdict_e verdict = JM_OK;

    if (table->unmatched_pass && !match->shapes) {
        return check_unmatched(&c, care);
    }
    if ((care & CARE_REFUSED)
        || (uri->raw.len && !is_plain_raw(uri->raw, merge_slashes, p))) {
        return JM_PATH;
    }
    if (match->route && !match->route->strict_path) {
        return JM_OK;
    }
    if (care & CARE_SLASH) {
        return JM_PATH;
    }
    if (care & CARE_SEMICOLON) {
        verdict = ask_readings(&c, uri->path, READ_CUT, READ_MERGE,
                               selects_same);
    }
    return verdict == JM_OK && uri->raw.len ? check_raw_route(&c) : verdict;
}

jm_str_t jm_uri_param(apr_pool_t *p, jm_str_t segment)
{
    apr_size_t from = 0;
    apr_size_t to = 0;
    char *buf;

    if (!(survey(segment) & CARE_SLASH)) {
        return segment;
    }
    buf = apr_palloc(p, segment.len);
    while (from < segment.len) {
        int c = encoded_at(segment.ptr, segment.len, from);
        int slash = c == '/' || c == '\\';

        buf[to++] = slash ? (char)c : segment.ptr[from];
        from += slash ? 3 : 1;
    }
    return jm_strn(buf, to);
}

/* RFC 3986 3.3: pchar without %XX, and the slash. */
static int is_raw_in_path(unsigned char c)
{
    static const char others[] = "!$&'()*+,;=:@/";

    return jm_char_is_unreserved((char)c)
           || memchr(others, c, sizeof(others) - 1);
}

const char *jm_uri_upstream(apr_pool_t *p, const jm_match_t *match,
                            const char *base, const char *path)
{
    apr_size_t len = strlen(base);
    const char *rest = path;

    if (match->route->prefix) {
        rest = match->rest.len
               ? apr_pstrmemdup(p, match->rest.ptr, match->rest.len) : "/";
    }
    /* "http://host/" and "/x" have one slash between them. */
    if (*rest == '/' && len > 0 && base[len - 1] == '/') {
        rest++;
    }
    return apr_pstrcat(p, base, rest, NULL);
}

const char *jm_uri_escape(apr_pool_t *p, jm_str_t path,
                          int keep_encoded_slashes)
{
    char *out = apr_palloc(p, path.len * 3 + 1);
    char *to = out;
    apr_size_t i;

    for (i = 0; i < path.len; i++) {
        unsigned char c = (unsigned char)path.ptr[i];
        int encoded = keep_encoded_slashes
                          ? encoded_at(path.ptr, path.len, i) : -1;

        if (is_raw_in_path(c) || encoded == '/' || encoded == '\\') {
            *to++ = (char)c;
        }
        else {
            to = jm_char_percent(to, (char)c);
        }
    }
    *to = '\0';
    return out;
}
