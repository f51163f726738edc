"""A device that is not ready is waited for, then measured all the same, and its figures say so."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
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


# Others always take more than this.
NEVER_READY = ("--max-load", "0.01%")


# A size of its own, so that these stand beside no figure of other tests.
SMALL = ("--models", BACKBONES[0], "--input-size", "32")


@pytest.mark.usefixtures("load")
def test_a_loaded_device_is_measured_and_every_figure_tells_what_was_in_the_way(
    system: System, tmp_path: Path
) -> None:
    # Longer than one look takes.
    gate = (*NEVER_READY, "--start-deadline", "600ms")
    done = edgerank("sweep", *SMALL, *QUICK_SWEEP, *gate, "--json", address=system.address)
    assert done.returncode == 0, done.stderr
    swept = json.loads(done.stdout)
    assert len(swept["ended"]) == 2
    for job in swept["ended"]:
        # What else may be found beside a load is stronger than how it started.
        assert job["verdict"] in ("disturbed", "throttled")
        told = {reason["code"]: reason["figures"] for reason in job["reasons"]}
        assert told["started_unready"] == {"count": 2, "repetitions": 2}
        assert told["cores_taken"]["load_by_others"] > told["cores_taken"]["most"]
    done = edgerank("best", "--device", "pc", "--by", "latency", address=system.address)
    assert done.returncode == 0, done.stderr
    marked = done.stdout.splitlines()[0]
    assert "disturbed" in marked or "throttled" in marked
    exported = tmp_path / "swept.json"
    edgerank("export", str(exported), "--sweep", swept["sweep_id"], address=system.address)
    taken = [each for figure in json.loads(exported.read_text()) for each in figure["repetitions"]]
    assert len(taken) == 4
    for each in taken:
        assert each["waited_ms"] > 0
        assert each["started_unready"]["code"] == "cores_taken"


@pytest.mark.usefixtures("load")
def test_a_strict_start_on_a_loaded_device_fails_the_job_with_what_to_do(
    system: System, swept: dict[str, Any]
) -> None:
    assert swept["ended"]
    quick = (*SMALL, "--runtimes", "onnxruntime")
    gate = (*NEVER_READY, "--start-deadline", "10ms", "--strict-start")
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
