# Makes a release the current one: a rename, so that there is always one. What keeps it running comes
# along. Arguments: BASE, RELEASE, KEEPER.
set -eu
umask 077
base=$1 release=$2 keeper=$3
rm -f "$base"/current.new.*
ln -s "releases/$release" "$base/current.new.$$"
mkdir -p "$(dirname "$keeper")"
cat "$base/releases/$release/keeper" >"$keeper.part"
mv -f "$keeper.part" "$keeper"
mv -fT "$base/current.new.$$" "$base/current"
