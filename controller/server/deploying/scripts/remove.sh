# Removes what was deployed, once it was stopped. Arguments: BASE, KEEPER, and yes or no for its STATE.
set -eu
base=$1 keeper=$2 with_state=$3
rm -f "$keeper"
if [ "$with_state" = yes ]; then
    rm -rf "$base"
else
    for each in "$base"/* "$base"/.[!.]*; do
        [ "$each" = "$base/state" ] || rm -rf "$each"
    done
fi
