"""A device that is not ready is waited for, and a job that waited in vain says why."""

import json
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from tests.integration.system.conftest import BACKBONES, QUICK_SWEEP, System
from tests.processes import edgerank


@pytest.fixture
def load() -> Iterator[None]:
    """Something else that computes, all the time."""
    command = [sys.executable, "-c", "print(flush=True)\nwhile True: pass"]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        yield
        process.kill()


@pytest.mark.usefixtures("load")
def test_a_loaded_device_fails_the_job_with_what_to_do(
    system: System, swept: dict[str, Any]
) -> None:
    assert swept["ended"]
    # A size of its own, so that the failure stands beside no figure of other tests.
    quick = ("--models", BACKBONES[0], "--runtimes", "onnxruntime", "--input-size", "32")
    gate = ("--max-load", "0.01%", "--start-deadline", "10ms")
    done = edgerank("sweep", *quick, *QUICK_SWEEP, *gate, "--json", address=system.address)
    assert done.returncode == 4, done.stderr
    assert "Traceback" not in done.stderr
    (job,) = json.loads(done.stdout)["ended"]
    assert job["verdict"] == "failed"
    waited, taken = job["reasons"]
    assert (waited["code"], waited["figures"]) == ("not_ready", {"deadline_ms": 10})
    assert taken["code"] == "cores_taken"
    assert taken["figures"]["load_by_others"] > taken["figures"]["most"]
    done = edgerank("sweep", *quick, *QUICK_SWEEP, *gate, address=system.address)
    assert "--max-load" in done.stdout


@pytest.mark.parametrize(
    ("gate", "words"),
    [
        (("--max-temperature", "500C"), "at most 120 °C, not 500.0 °C"),
        (("--max-load", "-50%"), "above 0 and at most 256 cores, not -0.5"),
        (("--min-battery", "150%"), "must be 1 to 100 %, not 150 %"),
        (("--start-deadline", "7200s"), "may wait 0 to 3600 s"),
    ],
)
def test_a_gate_that_cannot_be_is_refused_before_anything_starts(
    system: System, gate: tuple[str, str], words: str
) -> None:
    done = edgerank("sweep", "--models", BACKBONES[0], *gate, address=system.address)
    assert done.returncode == 2
    assert words in " ".join(done.stderr.split())
