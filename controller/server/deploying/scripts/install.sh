# Makes an environment and installs the agent into it.
# Arguments: BASE, ENVIRONMENT, PYTHON, REQUIREMENT, and with every wheel brought along their FOLDER.
set -eu
umask 077
base=$1 environment=$2 python=$3 requirement=$4 wheels=$5
venv=$base/environments/$environment

"$python" -I -m venv "$venv"
set -- "$requirement"
[ -z "$wheels" ] || set -- --no-index --find-links "$wheels" "$requirement"
"$venv/bin/python" -I -m pip install --no-input --disable-pip-version-check --no-cache-dir \
    --only-binary :all: "$@"
"$venv/bin/edgerank" --version
# On the disk, also after a power cut; and else the agent's first writes would wait for all of it.
sync
: >"$venv/complete"
