# Tells the SHA-256 of each file of a folder, as DIGEST NAME. Arguments: PYTHON, FOLDER.
umask 077
mkdir -p "$2"
"$1" -I -c '
import hashlib, os, sys
for entry in sorted(os.scandir(sys.argv[1]), key=lambda each: each.name):
    if entry.is_file():
        digest = hashlib.sha256()
        with open(entry.path, "rb") as file:
            while chunk := file.read(1 << 20):
                digest.update(chunk)
        print(digest.hexdigest(), entry.name)
' "$2"
