/* route.c: paths of routes: which are taken, and what they are read as. */
#include "router_set.h"

static const char *parse_error(jm_str_t path)
{
    jm_route_t route;
    const char *message;
    apr_status_t rv;

    memset(&route, 0, sizeof(route));
    rv = jm_route_parse(&route, &message, tap_pool, path);
    if ((rv == APR_SUCCESS) != (message == NULL)
        || (rv != APR_SUCCESS && route.path)) {
        return "broken";
    }
    return message ? message : "";
}

static void is_accepted(const char *path, const char *what)
{
    const char *message = parse_error(jm_str(path));

    if (!ok(!*message, "%s (%s)", what, path)) {
        printf("# got  %s\n", message);
    }
}

static void is_refused(jm_str_t path, const char *part, const char *what)
{
    const char *message = parse_error(path);

    if (!ok(strstr(message, part) != NULL, "%s", what)) {
        printf("# got  \"%s\"\n# want \"%s\"\n", message, part);
    }
}

static void test_accepted_paths(void)
{
    is_accepted("/", "the root is a path");
    is_accepted("/a", "a literal is a path");
    is_accepted("/a/", "a slash at the end is a segment of its own");
    is_accepted("/{id}", "a name in braces is a path");
    is_accepted("/{A-z_9}", "a name has letters, digits, - and _");
    is_accepted("/{.+}", "the rest alone is a path");
    is_accepted("/a/{x}/{y}/{.+}", "two names and the rest are a path");
    is_accepted("/a.b/..c/.../*:;=@", "nothing else is special");
    is_accepted("/caf\xC3\xA9 au lait", "UTF-8 and blanks are octets");
    is_accepted(long_path(JM_ROUTE_SEGMENTS_MAX),
                "63 segments are not too many");
}

static void test_refused_paths(void)
{
    is_refused(jm_str(""), "write \"/\"", "an empty path is refused");
    is_refused(jm_str("a/b"), "write \"/a/b\"",
               "a path without its first slash is refused");
    is_refused(jm_str("/{.+}/a"), "last segment",
               "{.+} before the end is refused");
    is_refused(jm_str("/{.+}/{.+}"), "last segment",
               "{.+} twice is refused");
    is_refused(jm_str("/{.+}/"), "last segment",
               "a slash behind {.+} is refused");
    is_refused(jm_str("/{id}/{id}"), "twice", "a name twice is refused");
    is_accepted("/{id}/{Id}", "names that differ in case are two names");
    is_refused(jm_str("/{}"), "no name", "an empty name is refused");
    is_refused(jm_str("/{a.b}"), "\"{a.b}\" is no path parameter",
               "a dot in a name is refused");
    is_refused(jm_str("/{proxy+}"), "{.+}",
               "another gateway's {proxy+} is refused with a hint");
    is_refused(jm_str("/{a}{b}"), "is no path parameter",
               "two names in one segment are refused");
    is_refused(jm_str("/{{a}}"), "is no path parameter",
               "braces in braces are refused");
    is_refused(jm_str("/a{b}"), "braces inside",
               "braces behind a literal are refused");
    is_refused(jm_str("/{b}a"), "braces inside",
               "braces before a literal are refused");
    is_refused(jm_str("/{"), "braces inside", "a lone { is refused");
    is_refused(jm_str("/}"), "braces inside", "a lone } is refused");
    is_refused(jm_str("/a/./b"), "resolved", "a . segment is refused");
    is_refused(jm_str("/a/.."), "resolved", "a .. segment is refused");
    is_refused(jm_str("/a?b"), "query", "a ? is refused");
    is_refused(jm_str("/a#b"), "fragment", "a # is refused");
    is_refused(jm_str("/a%20b"), "decoded", "a % is refused");
    is_refused(jm_str("/a\\b"), "write \"/\"", "a backslash is refused");
    is_refused(jm_str("/a\x1F"), "control", "octet 1F is refused");
    is_refused(jm_str("/a\x7F"), "control", "octet 7F is refused");
    is_refused(jm_strn("/a\0b", 4), "control", "a NUL is refused");
    is_refused(jm_strn("/{a\0}", 5), "control", "a NUL in a name is refused");
    is_refused(jm_str(long_path(JM_ROUTE_SEGMENTS_MAX + 1)), "at most 63",
               "64 segments are refused");
    is_refused(jm_str(long_path(1000)), "at most 63",
               "1000 segments are refused");
}

static void test_parsed_fields(void)
{
    jm_route_t route;

    fill(tap_pool, &route, "GET", "/a/{x}/b/{y}/{.+}", JM_AUTH_NONE);
    ok(route.param_count == 2 && jm_str_is(route.params[0], "x")
           && jm_str_is(route.params[1], "y"),
       "params are the names from the left");
    ok(route.tail && !route.prefix,
       "a path with names before {.+} drops no prefix");
    fill(tap_pool, &route, "GET", "/a/b/{.+}", JM_AUTH_NONE);
    ok(route.tail && !strcmp(route.prefix, "/a/b"),
       "the prefix of /a/b/{.+} is /a/b");
    fill(tap_pool, &route, "GET", "/{.+}", JM_AUTH_NONE);
    ok(route.tail && !strcmp(route.prefix, ""),
       "the prefix of /{.+} is empty");
    fill(tap_pool, &route, "GET", "/a/b", JM_AUTH_NONE);
    ok(!route.tail && !route.prefix && !strcmp(route.path, "/a/b"),
       "a path without {.+} drops no prefix");
}

int main(void)
{
    tap_start();
    test_accepted_paths();
    test_refused_paths();
    test_parsed_fields();
    return tap_done();
}
