# Makes an environment and installs the agent into it; what breaks off leaves none.
# Arguments: BASE, ENVIRONMENT, PYTHON, REQUIREMENT, and with every wheel brought along their FOLDER.
set -eu
umask 077
base=$1 environment=$2 python=$3 requirement=$4 wheels=$5
venv=$base/environments/$environment

undo() { [ -e "$venv/complete" ] || rm -rf "$venv"; }
trap undo EXIT
trap 'exit 1' HUP INT TERM
pip=
for each in "${wheels:-/nonexistent}"/pip-*.whl; do
    [ ! -e "$each" ] || pip=$each/pip
done
set -- "$requirement"
[ -z "$wheels" ] || set -- --no-index --find-links "$wheels" "$@"
set -- install --no-input --disable-pip-version-check --no-cache-dir --only-binary :all: "$@"
if [ -n "$pip" ]; then
    # Many a board's Python lacks the pip that an environment is given.
    "$python" -I -m venv --without-pip "$venv"
    "$venv/bin/python" -I "$pip" "$@"
else
    "$python" -I -m venv "$venv"
    "$venv/bin/python" -I -m pip "$@"
fi
"$venv/bin/edgerank" --version
# On the disk, also after a power cut; and else the agent's first writes would wait for all of it.
sync
: >"$venv/complete"
