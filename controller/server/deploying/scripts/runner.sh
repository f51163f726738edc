# Lets a native runner that was sent be started, and has it tell what it is. Argument: its FILE.
set -eu
chmod 700 "$1"
exec "$1" version
