"""A process that is left without being taken apart ends as Python would end it."""

import os
import signal
import subprocess
import sys

import pytest

LEFT = """
import atexit, sys, threading, time
from tests.processes.leaving import leave_by

def run():
    atexit.register(print, "done at the end")
    # Not a daemon: it is waited for.
    held = threading.Event()
    threading.Thread(target=lambda: (held.wait(), print("ended"))).start()
    print("ran")
    held.set()
    {ending}

leave_by(run)
"""


@pytest.mark.parametrize(
    ("ending", "code"),
    [
        ("return 5", 0),
        ("sys.exit()", 0),
        ("sys.exit(7)", 7),
        ("sys.exit(-1)", 255),
        ("sys.exit('no room')", 1),
        ("raise ValueError('no room')", 1),
        ("raise KeyboardInterrupt", -signal.SIGINT),
    ],
)
def test_it_ends_as_its_main_program_ends(ending: str, code: int) -> None:
    command = [sys.executable, "-c", LEFT.format(ending=ending)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == code, done.stderr
    assert done.stdout.splitlines() == ["ran", "ended", "done at the end"]
    assert ("no room" in done.stderr) == ("no room" in ending)


@pytest.mark.parametrize(
    "ending", ["return 5", "sys.exit(7)", "raise KeyboardInterrupt", "sys.stdout.close()"]
)
def test_where_nobody_reads_what_it_prints_it_ends_as_under_python(ending: str) -> None:
    program = LEFT.format(ending=ending)
    codes = []
    for leaving in ("leave_by(run)", "run()"):
        reading, writing = os.pipe()
        os.close(reading)
        command = [sys.executable, "-c", program.replace("leave_by(run)", leaving)]
        done = subprocess.run(
            command,
            stdout=writing,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
            timeout=60,
            # Else each line is refused as it is printed, and nothing at the end.
            env={**os.environ, "PYTHONUNBUFFERED": ""},
        )
        os.close(writing)
        codes.append(done.returncode)
    assert codes[0] == codes[1]
