# Removes what installations that broke off have left, and tells how many KiB are free then.
# Argument: BASE.
set -eu
base=$1
for each in "$base"/environments/*; do
    [ -d "$each" ] && [ ! -e "$each/complete" ] || continue
    # A release is written once its environment is whole.
    ! grep -qsF "environments/$(basename "$each")/" "$base"/releases/*/agent || continue
    # One may still be at work there, which then ends by itself.
    rm -rf "$each" 2>/dev/null || :
done
for each in "$base"/runners/*; do
    grep -qsF "runners/$(basename "$each")/" "$base"/releases/*/agent || rm -rf "$each"
done
rm -rf "$base/wheels"
while [ ! -e "$base" ]; do
    base=$(dirname "$base")
done
df -Pk "$base" 2>/dev/null | awk 'NR == 2 { print $4 }'
