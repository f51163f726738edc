"""A step has limits of its own, also where nobody is left to end it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

_CODE = """\
import resource, sys
from models.processes.child import StepLimits
from models.steps.confinement import confine
from pathlib import Path
limits = StepLimits(timeout_s=0.4, memory_bytes=2**30, file_bytes=2**20)
confine("adopt_onnx", limits.bounds(Path(sys.argv[1])))
kinds = (resource.RLIMIT_DATA, resource.RLIMIT_FSIZE, resource.RLIMIT_CPU, resource.RLIMIT_CORE)
print(*(resource.getrlimit(kind)[1] for kind in kinds), flush=True)
while True:
    pass
"""


def test_a_step_that_computes_for_ever_ends_by_itself(tmp_path: Path) -> None:
    command = [sys.executable, "-c", _CODE, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.stdout.split() == [str(2**30), str(2**20), "1", "0"]
    assert done.returncode < 0
