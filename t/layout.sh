#!/bin/sh
#
# layout.sh: the shape of the product, as TAP: what depends on what, and what
# the module shows. Runs in the stage that t/check makes.

n=0

# none SENTENCE LINES: ok if there are no lines, else they are the comment.
none() {
    n=$((n + 1))
    if [ -z "$2" ]; then
        echo "ok $n - $1"
        return
    fi
    echo "not ok $n - $1"
    echo "$2" | sed 's/^/# /'
}

none "libjwtmap.a needs nothing of httpd" \
    "$(nm -g --undefined-only libjwtmap.a | awk '$NF ~ /^ap_/ { print $NF }')"

none "no source of the core names a header of httpd" \
    "$(grep -E '#include *[<"](httpd|(http|ap|util|mod)_[a-z_]*)\.h' src/*.[ch])"

# shellcheck disable=SC2046
none "json-c is named in src/jm_json_decode only" \
    "$(grep -lE 'include *<json|json_(object|tokener)' mod_jwtmap.c \
        $(find src -name '*.[ch]' ! -path 'src/jm_json_decode.*'))"

none "mod_jwtmap.so exports jwtmap_module, and nothing else" \
    "$({ nm -D --defined-only mod_jwtmap.so | awk '{ print $NF }'
         echo jwtmap_module; } | sort | uniq -u)"

none "mod_jwtmap.so loads before and without mod_proxy" \
    "$(nm -D --undefined-only mod_jwtmap.so | grep -E ' (ap_)?proxy_')"

none "mod_jwtmap.so holds nothing that signs" \
    "$(nm mod_jwtmap.so | grep -E 'jm_mint|EVP_DigestSign')"

none "every source file is in Makefile.am" \
    "$(for file in src/*.[ch] src/httpd/*.[ch] t/unit/*.c; do
        [ ! -f "$file" ] || grep -qF "${file%.c}" Makefile.am || echo "$file"
    done)"

echo "1..$n"
