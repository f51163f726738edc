# Tells the SHA-256 of each file of a folder, as DIGEST, blanks, NAME. Argument: FOLDER.
set -eu
umask 077
mkdir -p "$1"
cd "$1"
for each in *; do
    [ ! -f "$each" ] || sha256sum "$each"
done
