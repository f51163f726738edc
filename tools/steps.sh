# shellcheck shell=bash
# Sourced by the set-up scripts: how they speak, how they run a step, how they explain a failure.
# Everything goes to standard error; standard output belongs to the script's result.

say() { printf 'edgerank: %s\n' "$*" >&2; }

fail() {
    say "$*"
    exit 1
}

# The words of the last attempted command. Kept in memory: the disk may be what is full.
transcript=''
child=''

# attempt COMMAND... : runs it, shows its milestones, keeps its words; its status is the result.
attempt() {
    local line
    transcript=''
    exec 3< <(exec "$@" 2>&1 </dev/null)
    child=$!
    while IFS= read -r line <&3 || [[ -n $line ]]; do
        transcript+="$line"$'\n'
        case $line in
            Downloading* | Prepared* | Uninstalled* | Installed* | 'Setting up '*)
                printf '  %s\n' "$line" >&2
                ;;
        esac
    done
    exec 3<&-
    wait "$child"
}

# step WHAT COMMAND... : says what is done, does it, and ends in one sentence if that fails.
step() {
    local what=$1 status=0
    shift
    say "$what ..."
    attempt "$@" || status=$?
    child=''
    ((status == 0)) || explain "$what" "$status"
}

# explain WHAT STATUS : turns the transcript of a failed step into one sentence that says what to do.
explain() {
    local what=$1 status=$2
    case $transcript in
        *'No space left on device'* | *'os error 28'* | *'Disk quota exceeded'*)
            fail "$what: no room left on the disk; free 2 GB where $PWD," \
                "${UV_CACHE_DIR:-${XDG_CACHE_HOME:-${HOME:-~}/.cache}} and ${TMPDIR:-/tmp} lie, then run the same command again."
            ;;
        *CERTIFICATE_VERIFY_FAILED* | *'invalid peer certificate'*)
            fail "$what: the package index's certificate is not trusted here; set SSL_CERT_FILE and" \
                "PIP_CERT to your network's certificate file, then run the same command again."
            ;;
        *'failure in name resolution'* | *'Name or service not known'* | *'dns error'* | \
            *'Temporary failure resolving'* | *'Network is unreachable'* | *'Connection refused'* | \
            *'Failed to establish a new connection'* | *'error sending request'* | *ProxyError* | \
            *'client error (Connect)'* | *'Read timed out'* | *'operation timed out'* | *ConnectTimeout*)
            fail "$what: the package index cannot be reached; connect this machine to the network, or set" \
                "PIP_INDEX_URL and UV_DEFAULT_INDEX to a mirror, then run the same command again."
            ;;
        *'Permission denied'* | *'Read-only file system'*)
            fail "$what: a folder cannot be written; make $PWD and" \
                "${UV_CACHE_DIR:-${XDG_CACHE_HOME:-${HOME:-~}/.cache}} writable for you, then run the same command again."
            ;;
        *)
            printf '%s' "$transcript" | tail -n 15 >&2
            fail "$what failed with status $status; put right what the lines above name, then run the" \
                "same command again."
            ;;
    esac
}

# Ctrl-C reaches the running command by itself; a kill of the script alone has to be passed on.
interrupted() {
    [[ -z $child ]] || kill "$child" 2>/dev/null || true
    say 'stopped before the end; run the same command again and it starts afresh where it has to.'
    exit "$1"
}
trap 'interrupted 130' INT
trap 'interrupted 143' TERM
