/*
 * jm_httpd_status_text.c: the words and the looks of the status page.
 * Touches nothing but the pool that it is given.
 */
#include <apr_lib.h>

#include "jm_httpd_status.h"

#include "jm_utf8.h"

/* --- what to do --- */

static const char *const advice[JM_VERDICT_COUNT] = {
    [JM_INTERNAL] = "A fault of the module or too little memory. Nothing was "
                    "let through; the error log has more.",
    [JM_OK] = "",
    [JM_NO_TOKEN] = "The client sent no `Authorization: Bearer`. If the token "
                    "comes in another place: `from_headers`, `from_cookies`.",
    [JM_CREDENTIALS] = "The client sends two tokens (a field twice, or field "
                       "and cookie), or `Bearer` without exactly one.",
    [JM_MALFORMED] = "What came is no signed JWT: an opaque, encrypted or cut "
                     "token. Try one with `jwtmapctl verify`.",
    [JM_HEADER] = "The token's header holds `crit`, `b64` or a member of a "
                  "wrong type. Its issuer has to change that.",
    [JM_ALGORITHM] = "If the issuer is right to use it, add it to "
                     "`algorithms` of the authorizer.",
    [JM_KEY] = "No key of the set has the token's `kid`, or several do. The "
               "log names it; are the keys up to date?",
    [JM_SIGNATURE] = "A forged token, or one of another environment. If all "
                     "tokens fail, the key is the wrong one.",
    [JM_TYP] = "If these tokens are meant to be used here, set `typ` of the "
               "authorizer to what the issuer writes.",
    [JM_CLAIM] = "Often a token without `exp`: let the issuer set it, or "
                 "`require_expiration` to false.",
    [JM_ISSUER] = "Compare `issuer` with the token's `iss`, byte for byte: a "
                  "`/` at its end counts.",
    [JM_AUDIENCE] = "The token is for another API. Compare `audience` with "
                    "the token's `aud`.",
    [JM_NOT_YET] = "Two clocks differ. Synchronise them, or raise `leeway`.",
    [JM_LIFETIME] = "The issuer gives out tokens for longer than "
                    "`max_lifetime`.",
    [JM_BOUND] = "A token with `cnf` is not for plain use. If you accept it "
                 "all the same: `bound_tokens`.",
    [JM_REVOKED] = "The token stands in `revoked_file`.",
    [JM_EXPIRED] = "The client has to renew its token. If all are expired, "
                   "look at this machine's clock.",
    [JM_NO_KEYS] = "The keys of the authorizer could not be had. The error "
                   "log says why.",
    [JM_REQUIRE] = "The user lacks what `require` of the route asks for. The "
                   "log names the claim.",
    [JM_SCOPE] = "The client has to ask the issuer for the scope that the "
                 "route requires.",
    [JM_UNMAPPABLE] = "A mapped value has control characters or is too long. "
                      "The log names it; see `max_bytes` and `format`.",
    [JM_MISSING] = "A value is absent whose mapping says `reject`. The log "
                   "names it.",
    [JM_NOT_FOUND] = "Add a route, or let such paths through: "
                     "`\"unmatched\": \"pass\"`.",
    [JM_METHOD] = "A route has the path but not this method. Add it to "
                  "`method`.",
    [JM_PATH] = "The path could be read in two ways. If the upstream needs "
                "it: `\"strict_path\": false`.",
    [JM_NOT_IMPLEMENTED] = "The route has an integration that this module "
                           "does not have: give it another one."
};

const char *jm_status_advice(jm_verdict_e verdict)
{
    return advice[verdict];
}

/* --- text --- */

const char *jm_status_clean(apr_pool_t *p, const char *text)
{
    apr_size_t len = text ? strlen(text) : 0;
    char *out, *end;
    apr_size_t octets;

    if (!text) {
        return NULL;
    }
    out = end = apr_palloc(p, 3 * len + 1);
    for (; len; text += octets, len -= octets) {
        int bad;

        octets = jm_utf8_length(text, len);
        bad = !octets || apr_iscntrl(*text);
        octets = octets ? octets : 1;
        memcpy(end, bad ? "\xEF\xBF\xBD" : text, bad ? 3 : octets);
        end += bad ? 3 : octets;
    }
    *end = '\0';
    return out;
}

const char *jm_status_time(apr_pool_t *p, apr_time_t time)
{
    apr_time_exp_t t;

    apr_time_exp_gmt(&t, time);
    return apr_psprintf(p, "%04d-%02d-%02d %02d:%02d:%02d UTC",
                        t.tm_year + 1900, t.tm_mon + 1, t.tm_mday, t.tm_hour,
                        t.tm_min, t.tm_sec);
}

const char *jm_status_duration(apr_pool_t *p, apr_time_t duration)
{
    static const struct {
        apr_int64_t seconds;
        const char *name;
    } units[] = { { 86400, "d" }, { 3600, "h" }, { 60, "min" }, { 1, "s" } };
    apr_int64_t left = duration > 0 ? apr_time_sec(duration) : 0;
    apr_int64_t second;
    unsigned i;

    for (i = 0; i < 3 && left < units[i].seconds; i++) {
    }
    if (i == 3) {
        return apr_psprintf(p, "%" APR_INT64_T_FMT " s", left);
    }
    second = left % units[i].seconds / units[i + 1].seconds;
    return apr_psprintf(p, "%" APR_INT64_T_FMT " %s %" APR_INT64_T_FMT " %s",
                        left / units[i].seconds, units[i].name, second,
                        units[i + 1].name);
}

const char *jm_status_number(apr_pool_t *p, jm_counter_t number)
{
    char digits[3 * sizeof(number) + 1];
    int len = apr_snprintf(digits, sizeof(digits), "%lu", number);
    char *out = apr_palloc(p, 4 * sizeof(digits));
    char *end = out;
    int i;

    for (i = 0; i < len; i++) {
        if (i && (len - i) % 3 == 0) {
            *end++ = ',';
        }
        *end++ = digits[i];
    }
    *end = '\0';
    return out;
}

const char *jm_status_nanoseconds(apr_pool_t *p, double nanoseconds)
{
    static const struct {
        double nanoseconds;
        const char *name;
    } units[] = {
        { 1e9, "s" }, { 1e6, "ms" }, { 1e3, "\xC2\xB5s" }
    };
    double value;
    unsigned i;

    for (i = 0; i < 2 && nanoseconds < units[i].nanoseconds; i++) {
    }
    value = nanoseconds / units[i].nanoseconds;
    return apr_psprintf(p, value < 10 && value != (double)(int)value
                           ? "%.1f %s" : "%.0f %s", value, units[i].name);
}

/* --- looks --- */

static const char style[] =
    ":root{color-scheme:light dark;--bg:#f5f6f8;--card:#fff;--fg:#1c2128;"
    "--dim:#57606a;--line:#d9dee4;--link:#0757b5;--ok:#2c8a4b;--open:#8fb3d9;"
    "--bad:#cf3a32;--bad-text:#b3261e;--would:#c98a0c;--track:#e6e9ed}"
    "@media(prefers-color-scheme:dark){:root{--bg:#0e1217;--card:#171c23;"
    "--fg:#e4eaf1;--dim:#9aa7b5;--line:#2b333d;--link:#77b5ff;--ok:#46b368;"
    "--open:#4a6d94;--bad:#f0635c;--bad-text:#f58a84;--would:#dba63a;"
    "--track:#262d36}}"
    "*{box-sizing:border-box}"
    "body{margin:0;background:var(--bg);color:var(--fg);"
    "font:15px/1.5 system-ui,-apple-system,\"Segoe UI\",Roboto,sans-serif;"
    "-webkit-text-size-adjust:100%}"
    "header,main,footer{max-width:68rem;margin:0 auto;padding:0 1rem}"
    "header{padding-top:1.25rem}"
    "h1{font-size:1.5rem;line-height:1.2;margin:0;letter-spacing:-.01em}"
    "h2{font-size:1.1rem;margin:0 0 .25rem}"
    "p{margin:.25rem 0}"
    "a{color:var(--link)}"
    "nav a{display:inline-block;padding:.35rem .9rem .35rem 0}"
    ".dim,th,.sub{color:var(--dim)}"
    ".sub{display:block;font-size:.85rem}"
    "code{font:.87em/1.45 ui-monospace,SFMono-Regular,Menlo,Consolas,"
    "\"DejaVu Sans Mono\",monospace;overflow-wrap:anywhere;"
    "unicode-bidi:isolate}"
    "b code{font-weight:700}td code{overflow-wrap:normal}"
    "section{background:var(--card);border:1px solid var(--line);"
    "border-radius:12px;padding:1rem 1.1rem;margin:1rem 0}"
    ".tiles{display:grid;gap:.75rem;margin:1rem 0;"
    "grid-template-columns:repeat(auto-fit,minmax(13rem,1fr))}"
    ".tile{background:var(--card);border:1px solid var(--line);"
    "border-top:4px solid var(--line);border-radius:12px;"
    "padding:.7rem .9rem}"
    ".tile dt{color:var(--dim);font-size:.9rem}"
    ".tile dd{margin:0}"
    ".tile .n{font-size:1.75rem;line-height:1.25;font-weight:600;"
    "font-variant-numeric:tabular-nums}"
    ".tile.ok{border-top-color:var(--ok)}"
    ".tile.open{border-top-color:var(--open)}"
    ".tile.bad{border-top-color:var(--bad)}"
    ".tile.would{border-top-color:var(--would)}"
    ".unseen{position:absolute;width:1px;height:1px;overflow:hidden;"
    "clip-path:inset(50%);white-space:nowrap}"
    "svg{display:block;width:100%;border-radius:4px;background:var(--track)}"
    "svg .ok{fill:var(--ok)}svg .open{fill:var(--open)}"
    "svg .bad{fill:var(--bad)}svg .would{fill:var(--would)}"
    "svg .link{fill:var(--link)}"
    ".scroll{overflow-x:auto}"
    "table{border-collapse:collapse;width:100%}"
    "th,td{padding:.45rem .5rem;text-align:left;vertical-align:top;"
    "border-top:1px solid var(--line)}"
    "thead th,thead td{border-top:0;font-size:.85rem;font-weight:600;"
    "vertical-align:bottom}"
    "tbody th{font-weight:400;color:var(--fg)}"
    "th:first-child,td:first-child{padding-left:0}"
    "th:last-child,td:last-child{padding-right:0}"
    "tbody th{min-width:8rem}"
    ".num{text-align:right;white-space:nowrap;"
    "font-variant-numeric:tabular-nums}"
    "td.zero{color:var(--dim)}"
    ".age{white-space:nowrap}"
    "td .place code{overflow-wrap:anywhere}"
    ".problem td{border-top:0;padding-top:0}"
    ".problem b{color:var(--bad-text)}"
    ".bar{width:24%;vertical-align:middle}"
    "summary{cursor:pointer;padding:.5rem 0;color:var(--link)}"
    "a:focus-visible,summary:focus-visible,.scroll:focus-visible{"
    "outline:2px solid var(--link);outline-offset:2px}"
    "footer{padding-bottom:2rem;font-size:.85rem;color:var(--dim)}"
    "@media(max-width:36rem){section{padding:.9rem .8rem}"
    ".tiles{grid-template-columns:1fr 1fr;gap:.6rem}"
    ".tile .n{font-size:1.4rem}.wide{display:none}.age{white-space:normal}"
    "th,td{padding:.4rem .3rem}tbody th{min-width:6rem}"
    "table{font-size:.9rem}}";

const char *jm_status_style(void)
{
    return style;
}
