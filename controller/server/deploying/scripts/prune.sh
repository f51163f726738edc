# Removes what no release needs. Arguments: BASE, then what is kept, relative to it.
set -eu
base=$1
shift
for each in "$base"/environments/* "$base"/releases/* "$base"/runners/* "$base"/wheels/*; do
    is_kept=no
    for kept; do
        [ "$each" != "$base/$kept" ] || is_kept=yes
    done
    [ "$is_kept" = yes ] || rm -rf "$each"
done
for each in "$base"/pythons/*; do
    grep -qsF "$each/" "$base"/environments/*/pyvenv.cfg || rm -rf "$each"
done
