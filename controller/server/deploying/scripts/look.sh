# Tells what was deployed, a fact a line as NAME=VALUE; changes nothing. Arguments: BASE, PYTHON.
base=$1 python=$2
tell() { printf '%s=%s\n' "$1" "$2"; }

tell release "$(readlink "$base/current" 2>/dev/null)"
tell started "$(cat "$base/running" 2>/dev/null)"
[ ! -r "$base/current/settings.json" ] || tell settings "$(head -c 65536 "$base/current/settings.json")"
for complete in "$base"/environments/*/complete; do
    [ ! -e "$complete" ] || tell environment "$(basename "$(dirname "$complete")")"
done
# Never the key, which is in the same file.
if [ -n "$python" ] && [ -r "$base/state/identity.json" ]; then
    tell device_id "$("$python" -I -c '
import json, sys
with open(sys.argv[1], encoding="utf-8") as file:
    print(json.load(file)["device_id"])
' "$base/state/identity.json" 2>/dev/null)"
fi
