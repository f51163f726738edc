"""A child limits itself, and keeps a lower limit that somebody has set."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

CODE = """\
import resource, sys
from agent.child.confinement import limit_memory
hard, wanted = int(sys.argv[1]), int(sys.argv[2])
if hard:
    resource.setrlimit(resource.RLIMIT_DATA, (hard, hard))
    resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
limit_memory(wanted)
print(*resource.getrlimit(resource.RLIMIT_DATA), resource.getrlimit(resource.RLIMIT_FSIZE)[1])
"""
MB_64 = 64 * 1024**2


@pytest.mark.parametrize(
    ("hard", "wanted", "limit", "file_limit"),
    [
        (0, 600_000_000, 600_000_000, MB_64),
        (900_000_000, 600_000_000, 600_000_000, MB_64),
        (500_000_000, 600_000_000, 500_000_000, MB_64),
        (50_000_000, 60_000_000, 50_000_000, 50_000_000),
    ],
)
def test_a_lower_hard_limit_is_kept(hard: int, wanted: int, limit: int, file_limit: int) -> None:
    command = [sys.executable, "-c", CODE, str(hard), str(wanted)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.split() == [str(limit), str(limit), str(file_limit)]


CONFINED = """\
import json, os, socket, subprocess, sys
from pathlib import Path
from agent.child.confinement import confine
from agent.device.process_memory import PeakMeter

artifact, folder, state = map(Path, sys.argv[1:])
confine([artifact], folder)

def tried(work):
    try:
        work()
    except OSError:
        return "denied"
    return "open"

print(json.dumps({
    "artifact": tried(artifact.read_bytes),
    "trace": tried(lambda: (folder / "trace").write_text("")),
    "device": tried(Path("/proc/meminfo").read_text),
    "beside the artifact": tried((artifact.parent / "weights").read_bytes),
    "changed artifact": tried(lambda: artifact.write_text("")),
    "state": tried(state.read_text),
    "network": tried(socket.socket),
    "process": tried(os.fork),
    "program": tried(lambda: subprocess.run(["true"])),
    "peaks are told": "open" if PeakMeter(Path("/proc")).end_phase() else "denied",
}))
"""


def test_a_child_reads_its_artifact_and_nothing_beside_it(tmp_path: Path) -> None:
    artifact, state = tmp_path / "artifacts" / "model.onnx", tmp_path / "device_id"
    artifact.parent.mkdir()
    for path in (artifact, artifact.parent / "weights", state):
        path.write_text("as it was")
    (tmp_path / "trace").mkdir()
    command = [sys.executable, "-c", CONFINED, str(artifact), str(tmp_path / "trace"), str(state)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    tried = json.loads(done.stdout)
    reached = {"artifact", "trace", "device", "peaks are told"}
    assert {name for name, found in tried.items() if found == "open"} == reached
