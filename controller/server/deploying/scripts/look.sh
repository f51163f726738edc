# Tells what was deployed, a fact a line as NAME=VALUE; changes nothing. Argument: BASE.
base=$1
tell() { printf '%s=%s\n' "$1" "$2"; }

tell release "$(readlink "$base/current" 2>/dev/null)"
tell started "$(cat "$base/running" 2>/dev/null)"
[ ! -r "$base/current/settings.json" ] || tell settings "$(head -c 65536 "$base/current/settings.json")"
for complete in "$base"/environments/*/complete; do
    [ ! -e "$complete" ] || tell environment "$(basename "$(dirname "$complete")")"
done
# Never the key, which is in the same file.
if [ -r "$base/state/identity.json" ]; then
    device_id=$(grep -o '"device_id": *"[^"]*"' "$base/state/identity.json" | head -n 1)
    device_id=${device_id%?}
    tell device_id "${device_id##*\"}"
fi
