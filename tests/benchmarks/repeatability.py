"""A sweep of twenty backbones, twice, through a real controller and agent."""

import json
import os
import subprocess
import tempfile
from collections import Counter
from pathlib import Path
from typing import NamedTuple

from tests.benchmarks.section import Section
from tests.benchmarks.size import scaled
from tests.processes import EDGERANK, running_agent, running_controller

BACKBONES = (
    "MobileNetV3_small_x0_35",
    "MobileNetV3_small_x0_5",
    "MobileNetV3_small_x0_75",
    "MobileNetV3_small_x1_0",
    "MobileNetV3_small_x1_25",
    "MobileNetV3_large_x0_35",
    "MobileNetV3_large_x0_5",
    "MobileNetV3_large_x0_75",
    "MobileNetV3_large_x1_0",
    "MobileNetV1_x0_25",
    "MobileNetV1_x0_5",
    "MobileNetV1_x0_75",
    "MobileNetV1",
    "MobileNetV2_x0_25",
    "MobileNetV2_x0_5",
    "PPLCNet_x0_25",
    "PPLCNet_x0_35",
    "PPLCNet_x0_5",
    "PPLCNet_x1_0",
    "ShuffleNetV2_x0_25",
)
WITHIN = 0.03
LEAST_SHARE = 0.95


class Figure(NamedTuple):
    """What a sweep says of one job."""

    median_ms: float
    verdict: str


class Pair(NamedTuple):
    """What two sweeps say of one job."""

    job: str
    first: Figure
    second: Figure

    @property
    def change(self) -> float:
        """Of the median, relative to the first."""
        return self.second.median_ms / self.first.median_ms - 1

    @property
    def repeats(self) -> bool:
        """Whether it is the same again."""
        return abs(self.change) <= WITHIN

    @property
    def warned(self) -> bool:
        """Whether a verdict says that it might not be."""
        return {self.first.verdict, self.second.verdict} != {"ok"}


def run() -> Section:
    """Two sweeps in one fleet; the second finds the first one's artifacts."""
    backbones = BACKBONES[: scaled(len(BACKBONES))]
    with tempfile.TemporaryDirectory() as folder:
        state_dir = Path(folder)
        with (
            running_controller(state_dir / "controller") as (_controller, address),
            running_agent(address, "here", state_dir / "agent"),
        ):
            first, second = (_sweep(backbones, address) for _ in range(2))
    pairs = [Pair(job, first[job], second[job]) for job in sorted(first)]
    share = sum(pair.repeats or pair.warned for pair in pairs) / len(pairs)
    return Section(
        title="Repeatability",
        promise=f"of a sweep of {len(backbones)} backbones on both runtimes that is run twice, at "
        f"least {LEAST_SHARE:.0%} of the medians are within {WITHIN:.0%} of each other, or a "
        "verdict says that the figure is not to be relied on.",
        header=("what", "figure"),
        rows=_rows(pairs, share),
        holds=share >= LEAST_SHARE,
    )


def _rows(pairs: list[Pair], share: float) -> list[tuple[str, str]]:
    repeating = sum(pair.repeats for pair in pairs)
    silent = [pair for pair in pairs if not pair.repeats and not pair.warned]
    verdicts = Counter(figure.verdict for pair in pairs for figure in (pair.first, pair.second))
    rows = [
        ("jobs measured twice", str(len(pairs))),
        (f"medians within {WITHIN:.0%}", f"{repeating} of {len(pairs)}"),
        ("within it, or with a verdict that says so", f"{share:.1%}"),
        ("verdicts", ", ".join(f"{count} {name}" for name, count in verdicts.most_common())),
    ]
    furthest = max(pairs, key=lambda pair: abs(pair.change))
    rows.append(("furthest apart", f"{furthest.job}, {furthest.change:+.1%}"))
    return rows + [(f"{pair.job}, twice ok", f"{pair.change:+.1%}") for pair in silent]


def _sweep(backbones: tuple[str, ...], address: str) -> dict[str, Figure]:
    """By job, what a sweep with the settings that a person gets says of it."""
    command = ("sweep", "--models", ",".join(backbones), "--weights", "synthetic", "--json")
    done = subprocess.run(
        [*EDGERANK, *command],
        env=dict(os.environ, EDGERANK_CONTROLLER=address),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return {
        f"{job['backbone']}, {job['runtime']}, {job['threads']} threads": Figure(
            job["median_ms"], job["verdict"]
        )
        for job in json.loads(done.stdout)["ended"]
    }
