# Tells what a board is, a fact a line as NAME=VALUE; changes nothing.
export LC_ALL=C
tell() { printf '%s=%s\n' "$1" "$2"; }

kind=script
base=$HOME/.edgerank
if [ -d /run/systemd/system ]; then
    XDG_RUNTIME_DIR=${XDG_RUNTIME_DIR:-/run/user/$(id -u)}
    export XDG_RUNTIME_DIR
    if [ "$(id -u)" = 0 ]; then
        kind=system
        base=/opt/edgerank-agent
    elif systemctl --user show-environment >/dev/null 2>&1; then
        kind=user
    fi
fi
tell service "$kind"
tell base "$base"
tell home "$HOME"
tell system "$(uname -s)"
tell machine "$(uname -m)"
tell hostname "$(uname -n)"
tell unix_s "$(date +%s)"
tell glibc "$(getconf GNU_LIBC_VERSION 2>/dev/null)"
tell user_bits "$(getconf LONG_BIT 2>/dev/null)"
tell free_kib "$(df -Pk "$(dirname "$base")" 2>/dev/null | awk 'NR == 2 { print $4 }')"
for loader in /lib/ld-musl-*; do
    [ ! -e "$loader" ] || tell musl "$loader"
done

about='
import importlib.util, os, struct, sys
has_venv, has_pip = map(importlib.util.find_spec, ("venv", "ensurepip"))
makes = "bare" if not has_venv else "venv" if has_pip else "nopip"
print("python=%d.%d %d %s %s" % (sys.version_info[0], sys.version_info[1],
      8 * struct.calcsize("P"), makes, sys.executable))
'
# Those of the system, and what was brought along before.
for name in python3 python3.13 python3.12 python3.11 python3.10 "$base"/pythons/*/python/bin/python3; do
    path=$(command -v "$name") || continue
    "$path" -I -c "$about" 2>/dev/null || tell broken_python "$path"
done
