"""A process that is held to its files reads its libraries and writes in one folder."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

_TRY = """
import json, os, subprocess, sys
from pathlib import Path
import sandbox
from sandbox.files import hold_to_files

given, private, secret = map(Path, sys.argv[1:])
hold_to_files(readable=[given], writable=[private], packages=[Path(sandbox.__file__).parent])

def tried(work):
    try:
        work()
    except OSError:
        return "denied"
    return "open"

(private / "made").mkdir()
print(json.dumps({
    "given": tried(given.read_text),
    "library": tried(lambda: __import__("sqlite3")),
    "own package": tried(lambda: __import__("sandbox.layers")),
    "private": tried(lambda: (private / "made" / "file").write_text("mine")),
    "nothing": tried(lambda: Path("/dev/null").write_text("")),
    "secret": tried(secret.read_text),
    "link": tried(lambda: (private / "link").symlink_to(secret)),
    "name": tried(lambda: (private / "name").hardlink_to(secret)),
    "pipe": tried(lambda: os.mkfifo(private / "pipe")),
    "file of its own": tried(lambda: (private / "again").hardlink_to(private / "made" / "file")),
    "out of it": tried(lambda: (private / "made").rename(secret.parent / "made")),
    "beside": tried(lambda: (secret.parent / "new").write_text("")),
    "emptied": tried(lambda: os.truncate(secret, 0)),
    "removed": tried(secret.unlink),
    "given, written": tried(lambda: given.write_text("other")),
    "users": tried(Path("/etc/passwd").read_text),
    "parent": tried(Path(f"/proc/{os.getppid()}/environ").read_text),
    "program": tried(lambda: subprocess.run(["true"])),
    "signal": tried(lambda: os.kill(os.getppid(), 0)),
}))
"""


def test_nothing_but_its_files_is_reached(tmp_path: Path) -> None:
    for name in ("given", "private", "secret"):
        (tmp_path / name).mkdir()
    given, secret = tmp_path / "given" / "model", tmp_path / "secret" / "key"
    for path in (given, secret):
        path.write_text("as it was")
    command = [sys.executable, "-c", _TRY, str(given), str(tmp_path / "private"), str(secret)]
    environment = {**os.environ, "HIDDEN": "from children"}
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    tried = json.loads(done.stdout)
    reached = {"given", "library", "own package", "private", "file of its own", "nothing"}
    assert {name for name, found in tried.items() if found == "open"} == reached
    assert given.read_text() == secret.read_text() == "as it was"
