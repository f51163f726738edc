# Makes a release the current one: a rename, so that there is always one. Arguments: BASE, PYTHON, RELEASE.
set -eu
base=$1 python=$2 release=$3
rm -f "$base"/current.new.*
ln -s "releases/$release" "$base/current.new.$$"
"$python" -I -c 'import os, sys; os.replace(sys.argv[1], sys.argv[2])' \
    "$base/current.new.$$" "$base/current"
