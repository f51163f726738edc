# Makes a release the current one: a rename, so that there is always one. What keeps it running comes
# along. Arguments: BASE, PYTHON, RELEASE, KEEPER.
set -eu
umask 077
base=$1 python=$2 release=$3 keeper=$4
rm -f "$base"/current.new.*
ln -s "releases/$release" "$base/current.new.$$"
mkdir -p "$(dirname "$keeper")"
cat "$base/releases/$release/keeper" >"$keeper.part"
mv -f "$keeper.part" "$keeper"
"$python" -I -c 'import os, sys; os.replace(sys.argv[1], sys.argv[2])' \
    "$base/current.new.$$" "$base/current"
