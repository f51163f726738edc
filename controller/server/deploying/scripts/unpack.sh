# Unpacks a Python that was sent. Arguments: BASE, NAME of its folder, FILE of its archive, its SHA-256.
set -eu
umask 077
base=$1 name=$2 file=$3 sha256=$4
folder=$base/pythons/$name
new=$base/pythons/incoming/new
trap 'rm -rf "$base/pythons/incoming"' EXIT
said=$(sha256sum "$file")
[ "${said%% *}" = "$sha256" ] || { echo "it came with other bytes" >&2; exit 1; }
mkdir -p "$new"
gzip -dc "$file" | tar -xf - -C "$new" -o
"$new/python/bin/python3" -I -c 'import ssl, venv, zlib'
sync
rm -rf "$folder"
mv "$new" "$folder"
