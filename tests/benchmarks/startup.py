"""What a command costs that only tells something, or only asks a running controller."""

import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.benchmarks.pages.section import Section
from tests.processes import EDGERANK, edgerank, running_agent, running_controller

ROUNDS = 11
TELLING_LIMIT_S = 0.25
ASKING_LIMIT_S = 0.5
DEVICE = "pc"
# Fast rather than precise: something has to be there to be asked for, whatever its figures are.
SWEEP = (
    *("sweep", "--models", "PPLCNet_x0_25,MobileNetV3_small_x1_0", "--devices", DEVICE),
    *("--weights", "synthetic", "--repetitions", "2", "--time-budget", "300ms", "--no-sentinel"),
    *("--max-temperature", "none", "--max-load", "none", "--min-battery", "none", "--json"),
)


def run() -> Section:
    """Each command in turn, round by round, beside a Python that does nothing."""
    with tempfile.TemporaryDirectory() as folder, _swept(Path(folder)) as (address, sweep_id):
        telling = {"`--help`": ("--help",), "`--version`": ("--version",)}
        asking = {
            "`devices`": ("devices",),
            "`best`": ("best", "--device", DEVICE),
            "`follow`": ("follow", sweep_id),
            "`export` to CSV": ("export", f"{folder}/all.csv"),
            "`export` to JSON, raw samples included": ("export", f"{folder}/all.json"),
        }
        commands = {name: (*EDGERANK, *words) for name, words in (telling | asking).items()}
        commands = {"a Python that does nothing": (sys.executable, "-c", "pass"), **commands}
        taken_s = {name: [_cpu_s(*words, address=address)] for name, words in commands.items()}
        for _ in range(ROUNDS - 1):
            for name, words in commands.items():
                taken_s[name].append(_cpu_s(*words, address=address))
    limits_s = dict.fromkeys(telling, TELLING_LIMIT_S) | dict.fromkeys(asking, ASKING_LIMIT_S)
    return Section(
        title="Start-up",
        promise=f"`--help` and `--version` within {TELLING_LIMIT_S:g} s of CPU time, user and "
        f"system; what only asks a running controller within {ASKING_LIMIT_S:g} s, its answer "
        f"included (median of {ROUNDS} rounds).",
        header=("command", "median s", "least", "most", "limit"),
        rows=[
            (name, *_spread(taken), f"{limits_s[name]:g}" if name in limits_s else "")
            for name, taken in taken_s.items()
        ],
        holds=all(statistics.median(taken_s[name]) <= limit for name, limit in limits_s.items()),
    )


def _spread(taken_s: list[float]) -> tuple[str, str, str]:
    return f"{statistics.median(taken_s):.2f}", f"{min(taken_s):.2f}", f"{max(taken_s):.2f}"


@contextmanager
def _swept(folder: Path) -> Iterator[tuple[str, str]]:
    """The address of a controller with one device, and the id of a sweep that it has done."""
    with (
        running_controller(folder / "controller") as (_controller, address),
        running_agent(address, DEVICE, folder / "agent"),
    ):
        done = edgerank(*SWEEP, address=address)
        yield address, json.loads(done.stdout)["sweep_id"]


def _cpu_s(*command: str, address: str) -> float:
    """What a command takes of the processor, from its start to its end."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        # Whether there is a winner is no matter here.
        stderr=subprocess.DEVNULL,
        env={**os.environ, "EDGERANK_CONTROLLER": address},
        check=False,
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
