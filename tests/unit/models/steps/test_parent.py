"""A step lives no longer than the process that asked for it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import psutil


def test_a_step_whose_parent_is_another_process_ends_at_once() -> None:
    bounds = {"memory_bytes": 2**33, "file_bytes": 2**33, "cpu_s": 60, "workdir": "/"}
    done = subprocess.run(
        [sys.executable, "-m", "models.steps", "onnx", "1", json.dumps(bounds)],
        input=b"{}",
        capture_output=True,
        check=False,
    )
    assert done.returncode == -9
    assert done.stdout == b""


def test_a_killed_parent_takes_its_step_along(tmp_path: Path) -> None:
    # The step reads a fifo that nobody writes: it would wait for ever.
    os.mkfifo(tmp_path / "weights.pdparams")
    code = (
        "import os, pathlib, sys, threading\n"
        "from models.processes.child import Cancellation, StepLimits, run_step\n"
        "from models.processes.requests import FileAnswer, ParityRequest\n"
        "request = ParityRequest('x.onnx', 'y.npz', 1.0)\n"
        "command = (sys.executable, '-c', '''\n"
        "import os, sys\n"
        "from models.steps.parent import bind_to_parent\n"
        "bind_to_parent(int(sys.argv[2]))\n"
        'open("started", "w").write(str(os.getpid()))\n'
        'open("weights.pdparams").read()\n'
        "''')\n"
        "run_step('s', request, FileAnswer, workdir=pathlib.Path('.'), limits=StepLimits(),"
        " cancellation=Cancellation(), command=command)\n"
    )
    os.mkfifo(tmp_path / "started")
    parent = subprocess.Popen([sys.executable, "-c", code], cwd=tmp_path)
    step = psutil.Process(int((tmp_path / "started").read_text()))
    parent.kill()
    parent.wait()
    step.wait(timeout=30)
