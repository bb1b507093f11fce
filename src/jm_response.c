/*
 * jm_response.c: edits response headers. Touches the table it is given.
 */
#include "jm_response.h"

#include "jm_header.h"

#include <apr_lib.h>

/* --- lists (RFC 9110 5.6.1) --- */

/* The next member of a comma-separated list, its blanks trimmed; a comma in a
 * quoted-string does not separate. 0 at the end. */
static int next_member(const char **prest, jm_str_t *member)
{
    const char *start = *prest;
    const char *end;
    int quoted = 0;

    while (*start == ',' || apr_isspace(*start)) {
        start++;
    }
    for (end = start; *end && (quoted || *end != ','); end++) {
        if (quoted && *end == '\\' && end[1]) {
            end++;
        }
        else if (*end == '"') {
            quoted = !quoted;
        }
    }
    *prest = end;
    while (end > start && apr_isspace(end[-1])) {
        end--;
    }
    *member = jm_strn(start, (apr_size_t)(end - start));
    return member->len > 0;
}

/* 1 if a member is the directive name, with or without `=`. */
static int is_directive(jm_str_t member, const char *name)
{
    apr_size_t len = strlen(name);

    return member.len >= len && !strncasecmp(member.ptr, name, len)
           && (member.len == len || member.ptr[len] == '='
               || apr_isspace(member.ptr[len]));
}

void jm_response_private(apr_table_t *fields, apr_pool_t *p)
{
    const char *rest = jm_header_value(fields, p, "Cache-Control");
    apr_size_t size = rest ? strlen(rest) : 0;
    /* each member, of one octet at least, gets two more */
    char *value = apr_palloc(p, 3 * size + sizeof("private"));
    char *end = value;
    jm_str_t member;

    while (rest && next_member(&rest, &member)) {
        if (is_directive(member, "public") || is_directive(member, "s-maxage")
            || is_directive(member, "private")) {
            continue;
        }
        memcpy(end, member.ptr, member.len);
        memcpy(end + member.len, ", ", 2);
        end += member.len + 2;
    }
    memcpy(end, "private", sizeof("private"));
    apr_table_setn(fields, "Cache-Control", value);
}

static int is_targeted(const char *name)
{
    static const char ending[] = "-Cache-Control";
    apr_size_t len = strlen(name);

    return len >= sizeof(ending) - 1
           && (!strcasecmp(name + len - (sizeof(ending) - 1), ending)
               || !strcasecmp(name, "Surrogate-Control"));
}

void jm_response_untarget(apr_table_t *fields)
{
    const apr_array_header_t *array = apr_table_elts(fields);
    const apr_table_entry_t *entry = (const apr_table_entry_t *)array->elts;
    int i = 0;

    while (i < array->nelts) {
        if (entry[i].key && is_targeted(entry[i].key)) {
            apr_table_unset(fields, entry[i].key);
        }
        else {
            i++;
        }
    }
}

void jm_response_vary(apr_table_t *fields, apr_pool_t *p, const char *name)
{
    const char *value = jm_header_value(fields, p, "Vary");
    const char *rest = value;
    jm_str_t member;

    while (rest && next_member(&rest, &member)) {
        if (jm_str_is(member, "*") || is_directive(member, name)) {
            return;
        }
    }
    apr_table_setn(fields, "Vary",
                   value ? apr_pstrcat(p, value, ", ", name, NULL) : name);
}

/* --- URLs in fields --- */

/* What an edit does to one URL; its own octets when nothing changes. */
typedef struct edit_t {
    apr_pool_t *p;
    jm_str_t (*url)(const struct edit_t *edit, jm_str_t url);
    const jm_param_t *params;
    unsigned count;
    jm_str_t back;
    const char *front;
} edit_t;

static jm_str_t joined(apr_pool_t *p, jm_str_t a, jm_str_t b, jm_str_t c)
{
    char *text = apr_palloc(p, a.len + b.len + c.len + 1);

    memcpy(text, a.ptr, a.len);
    memcpy(text + a.len, b.ptr ? b.ptr : "", b.len);
    memcpy(text + a.len + b.len, c.len ? c.ptr : "", c.len);
    text[a.len + b.len + c.len] = '\0';
    return jm_strn(text, a.len + b.len + c.len);
}

/* The query of a URL is from the first `?` to the first `#`. */
static jm_str_t unreflect_url(const edit_t *edit, jm_str_t url)
{
    const char *end = url.ptr + url.len;
    const char *hash = memchr(url.ptr, '#', url.len);
    const char *stop = hash ? hash : end;
    const char *mark = memchr(url.ptr, '?', (apr_size_t)(stop - url.ptr));
    jm_str_t before, query, kept;

    if (!mark) {
        return url;
    }
    before = jm_strn(url.ptr, (apr_size_t)(mark - url.ptr));
    query = jm_strn(mark + 1, (apr_size_t)(stop - mark - 1));
    kept = jm_query_unreflect(edit->p, query, edit->params, edit->count);
    if (jm_str_eq(kept, query)) {
        return url;
    }
    if (kept.ptr || !before.len) {
        before.len++;    /* the `?`: without it "" is this URL, query and all */
    }
    return joined(edit->p, before, kept,
                  jm_strn(stop, (apr_size_t)(end - stop)));
}

static jm_str_t map_back_url(const edit_t *edit, jm_str_t url)
{
    apr_size_t len = edit->back.len;
    char next = url.len > len ? url.ptr[len] : '/';

    if (url.len < len || strncasecmp(url.ptr, edit->back.ptr, len)
        || !strchr("/?#", next)) {
        return url;
    }
    return joined(edit->p, jm_str(edit->front),
                  jm_strn(url.ptr + len, url.len - len), jm_strn("", 0));
}

/* A field whose whole value is one URL. */
static jm_str_t edit_whole(const edit_t *edit, jm_str_t value)
{
    return edit->url(edit, value);
}

static const char *skip_blanks(const char *at, const char *end)
{
    while (at < end && apr_isspace(*at)) {
        at++;
    }
    return at;
}

/* Where the URL of a Refresh field begins, behind the quote if it has one: as
 * in HTML's shared declarative refresh steps, `5`, `;` or `,`, perhaps
 * `url =`. end: there is none. */
static const char *refresh_url(jm_str_t value)
{
    const char *end = value.ptr + value.len;
    const char *at = skip_blanks(value.ptr, end);
    const char *equals;

    while (at < end && (apr_isdigit(*at) || *at == '.')) {
        at++;
    }
    at = skip_blanks(at, end);
    if (at < end && (*at == ';' || *at == ',')) {
        at++;
    }
    at = skip_blanks(at, end);
    if (end - at > 3 && !strncasecmp(at, "url", 3)) {
        equals = skip_blanks(at + 3, end);
        if (equals < end && *equals == '=') {
            at = skip_blanks(equals + 1, end);
        }
    }
    return at < end && (*at == '"' || *at == '\'') ? at + 1 : at;
}

static jm_str_t edit_refresh(const edit_t *edit, jm_str_t value)
{
    const char *end = value.ptr + value.len;
    const char *url = refresh_url(value);
    const char *stop = end;
    jm_str_t edited;

    if (url == end) {
        return value;
    }
    if (url > value.ptr && (url[-1] == '"' || url[-1] == '\'')) {
        stop = memchr(url, url[-1], (apr_size_t)(end - url));
        stop = stop ? stop : end;
    }
    edited = edit->url(edit, jm_strn(url, (apr_size_t)(stop - url)));
    return joined(edit->p, jm_strn(value.ptr, (apr_size_t)(url - value.ptr)),
                  edited, jm_strn(stop, (apr_size_t)(end - stop)));
}

static void push(apr_array_header_t *pieces, const char *ptr, apr_size_t len)
{
    struct iovec *piece = apr_array_push(pieces);

    piece->iov_base = (void *)ptr;
    piece->iov_len = len;
}

/* Link: every `<…>`. */
static jm_str_t edit_link(const edit_t *edit, jm_str_t value)
{
    apr_array_header_t *pieces = apr_array_make(edit->p, 8,
                                                sizeof(struct iovec));
    const char *end = value.ptr + value.len;
    const char *rest = value.ptr;
    const char *open, *close;
    jm_str_t text;

    while ((open = memchr(rest, '<', (apr_size_t)(end - rest))) != NULL
           && (close = memchr(open, '>', (apr_size_t)(end - open))) != NULL) {
        text = edit->url(edit, jm_strn(open + 1,
                                       (apr_size_t)(close - open - 1)));
        push(pieces, rest, (apr_size_t)(open + 1 - rest));
        push(pieces, text.len ? text.ptr : "", text.len);
        rest = close;
    }
    push(pieces, rest, (apr_size_t)(end - rest));
    text.ptr = apr_pstrcatv(edit->p, (struct iovec *)pieces->elts,
                            (apr_size_t)pieces->nelts, &text.len);
    return text;
}

typedef struct url_field_t {
    const char *name;
    jm_str_t (*edit)(const edit_t *edit, jm_str_t value);
} url_field_t;

/* Edits each line of the fields in place, so that two lines stay two. */
static void edit_fields(apr_table_t *fields, const edit_t *edit,
                        const url_field_t *list)
{
    const apr_array_header_t *array = apr_table_elts(fields);
    apr_table_entry_t *entry = (apr_table_entry_t *)array->elts;
    const url_field_t *field;
    int i;

    for (i = 0; i < array->nelts; i++) {
        for (field = list; field->name; field++) {
            if (entry[i].key && !strcasecmp(entry[i].key, field->name)) {
                jm_str_t value = field->edit(edit, jm_str(entry[i].val));

                entry[i].val = apr_pstrmemdup(edit->p, value.ptr, value.len);
            }
        }
    }
}

void jm_response_unreflect(apr_table_t *fields, apr_pool_t *p,
                           const jm_param_t *params, unsigned count)
{
    static const url_field_t list[] = {
        { "Location", edit_whole }, { "Content-Location", edit_whole },
        { "Refresh", edit_refresh }, { "Link", edit_link }, { NULL, NULL }
    };
    edit_t edit = { p, unreflect_url, params, count, { NULL, 0 }, NULL };

    if (count) {
        edit_fields(fields, &edit, list);
    }
}

void jm_response_map_back(apr_table_t *fields, apr_pool_t *p,
                          const char *back, const char *front)
{
    static const url_field_t list[] = {
        { "Location", edit_whole }, { "Content-Location", edit_whole },
        { "URI", edit_whole }, { NULL, NULL }
    };
    edit_t edit = { p, map_back_url, NULL, 0, jm_str(back), front };

    if (edit.back.len && back[edit.back.len - 1] == '/') {
        edit.back.len--;
    }
    edit_fields(fields, &edit, list);
}
