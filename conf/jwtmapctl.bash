# jwtmapctl.bash: completion of jwtmapctl for bash. The options are those that
# `jwtmapctl VERB --help` lists. -*- shell-script -*-

# Words of $1 (one a line) that begin with what is being typed.
_jwtmapctl_words()
{
    mapfile -t COMPREPLY < <(compgen -W "$1" -- "${COMP_WORDS[COMP_CWORD]}")
}

_jwtmapctl_files()
{
    compopt -o filenames 2>/dev/null
    mapfile -t COMPREPLY < <(compgen "$@" -- "${COMP_WORDS[COMP_CWORD]}")
}

# How many operands of the verb stand before the word that is being typed; $1
# is its help, where an option with an argument has one blank before that.
_jwtmapctl_operands()
{
    local i count=0 takers

    takers=$(sed -nE 's/^  (..) (--[a-z-]+) [^ ].*/\1 \2/p' <<<"$1")
    for ((i = 2; i < COMP_CWORD; i++)); do
        if [[ ${COMP_WORDS[i]} != -* ]]; then
            ((count++))
        elif grep -qwF -- "${COMP_WORDS[i]}" <<<"$takers"; then
            ((i++))
        fi
    done
    echo "$count"
}

_jwtmapctl()
{
    local verb=${COMP_WORDS[1]} cur=${COMP_WORDS[COMP_CWORD]} help

    COMPREPLY=()
    if ((COMP_CWORD == 1)); then
        _jwtmapctl_words 'check verify token explain --help --version'
        return
    fi
    case ${COMP_WORDS[COMP_CWORD - 1]} in
        --secrets-dir)
            _jwtmapctl_files -d
            return ;;
        --key | --secret-file | --new-key | --public-out | --jwks-out | \
            --payload-raw)
            _jwtmapctl_files -f
            return ;;
        --alg)
            _jwtmapctl_words 'HS256 HS384 HS512 RS256 RS384 RS512 PS256
                PS384 PS512 ES256 ES384 ES512 EdDSA Ed25519'
            return ;;
    esac
    help=$("${COMP_WORDS[0]}" "$verb" --help 2>/dev/null) || return
    if [[ $cur == -* ]]; then
        _jwtmapctl_words "$(sed -nE 's/^  .. (--[a-z-]+).*/\1/p' <<<"$help")"
        return
    fi
    case $verb:$(_jwtmapctl_operands "$help") in
        check:* | verify:0 | explain:0)
            _jwtmapctl_files -f ;;
        explain:1)
            _jwtmapctl_words 'GET HEAD POST PUT PATCH DELETE OPTIONS' ;;
    esac
}

complete -F _jwtmapctl jwtmapctl
