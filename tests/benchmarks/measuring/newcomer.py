"""A newcomer's hour: a sweep with defaults on a quiet machine, and on one where others work."""

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.benchmarks.pages.section import Section
from tests.benchmarks.size import scaled
from tests.processes import EDGERANK, running_agent, running_controller

BACKBONES = (
    "MobileNetV1",
    "MobileNetV2",
    "MobileNetV3_small_x1_0",
    "MobileNetV3_large_x1_0",
    "PPLCNet_x1_0",
    "ShuffleNetV2_x1_0",
    "GhostNet_x1_0",
    "ResNet18",
)
DEVICE = "here"
BUSY_LOOPS = 2
QUIET_SWEEPS = 10
LONGEST_RATIO = 1.5
DISTURBED = "disturbed"


@dataclass(frozen=True)
class Hour:
    """What a newcomer sees.

    Attributes:
        seconds: how long the sweep took, its artifacts being there.
        verdicts: of its jobs.
        winner: the backbone that `best` names; None where it names none.
        tied: the backbones that it says cannot be told apart from that, itself among them.
    """

    seconds: float
    verdicts: tuple[str, ...]
    winner: str | None
    tied: frozenset[str]


def run() -> Section:
    """Quiet sweeps, then one beside busy loops, all in one fleet that has the artifacts."""
    backbones = BACKBONES[: scaled(len(BACKBONES))]
    with tempfile.TemporaryDirectory() as folder:
        state_dir = Path(folder)
        with (
            running_controller(state_dir / "controller") as (_controller, address),
            running_agent(address, DEVICE, state_dir / "agent"),
        ):
            _asked(address, "convert", *backbones, "--weights", "synthetic", "--json")
            quiet = [_hour(address, backbones) for _ in range(scaled(QUIET_SWEEPS))]
            with _busy_loops():
                busy = _hour(address, backbones)
    return section(quiet, busy, len(backbones))


def section(quiet: Sequence[Hour], busy: Hour, backbone_count: int) -> Section:
    """What the sweeps say, against what is promised of them."""
    usual_s = statistics.median(hour.seconds for hour in quiet)
    ratio = busy.seconds / usual_s
    agreeing = sum(agrees(hour, quiet) for hour in quiet)
    failed = [hour.verdicts.count("failed") for hour in (*quiet, busy)]
    telling = busy.verdicts.count(DISTURBED)
    return Section(
        title="A newcomer's hour",
        promise=f"a sweep of {backbone_count} backbones on both runtimes with defaults fails no "
        f"job; quiet, {len(quiet)} of {len(quiet)} name the same winner or tell it to be a tie; "
        f"beside {BUSY_LOOPS} busy loops it takes at most {LONGEST_RATIO:g} times as long, `best` "
        "answers, and every figure says that it was disturbed.",
        header=("what", "figure"),
        rows=[
            ("quiet: median, least and most time", _times(quiet)),
            ("beside busy loops: time, and ratio", f"{busy.seconds:.0f} s, {ratio:.2f}"),
            ("failed jobs, quiet and beside busy loops", f"{sum(failed[:-1])}, {failed[-1]}"),
            ("quiet: verdicts", _counted(hour.verdicts for hour in quiet)),
            ("beside busy loops: verdicts", _counted([busy.verdicts])),
            ("quiet: winners", _counted([[hour.winner or "none" for hour in quiet]])),
            ("quiet: sweeps with the usual winner, or it tied", f"{agreeing} of {len(quiet)}"),
            ("beside busy loops: winner", busy.winner or "none"),
        ],
        holds=ratio <= LONGEST_RATIO
        and not any(failed)
        and agreeing == len(quiet)
        and busy.winner is not None
        and telling == len(busy.verdicts),
    )


def agrees(hour: Hour, quiet: Sequence[Hour]) -> bool:
    """Whether a sweep names the winner that most of them name, or tells that it is tied."""
    usual = Counter(each.winner for each in quiet).most_common(1)[0][0]
    return usual is not None and usual in hour.tied


def _hour(address: str, backbones: Sequence[str]) -> Hour:
    began = time.monotonic()
    models = ("--models", ",".join(backbones), "--weights", "synthetic")
    swept = _asked(address, "sweep", *models, "--fresh", "--json")
    seconds = time.monotonic() - began
    ranking = _asked(address, "best", "--device", DEVICE, "--json")
    winner = ranking["winner"] and _backbone(ranking["winner"])
    return Hour(
        seconds=seconds,
        verdicts=tuple(job["verdict"] for job in swept["ended"] if not job["is_sentinel"]),
        winner=winner,
        tied=frozenset(map(_backbone, ranking["ties"])) | ({winner} if winner else set()),
    )


def _backbone(candidate: dict[str, Any]) -> str:
    return str(candidate["measurement"]["backbone"])


def _asked(address: str, *command: str) -> Any:
    """What a command prints as JSON, whatever its exit code: a failed job is a figure here."""
    # Without the limit that tests have: a sweep takes as long as it takes.
    done = subprocess.run(
        [*EDGERANK, *command],
        env=dict(os.environ, EDGERANK_CONTROLLER=address),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    return json.loads(done.stdout)


@contextmanager
def _busy_loops() -> Iterator[None]:
    loops = [
        subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(BUSY_LOOPS)
    ]
    try:
        yield
    finally:
        for loop in loops:
            loop.kill()
            loop.wait()


def _times(hours: Sequence[Hour]) -> str:
    seconds = [hour.seconds for hour in hours]
    return f"{statistics.median(seconds):.0f} s, {min(seconds):.0f} s, {max(seconds):.0f} s"


def _counted(groups: Any) -> str:
    counts = Counter(each for group in groups for each in group)
    return ", ".join(f"{count} {name}" for name, count in counts.most_common())
