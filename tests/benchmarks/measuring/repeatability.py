"""A sweep of twenty backbones, twice, through a real controller and agent."""

import json
import os
import subprocess
import tempfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from tests.benchmarks.pages.section import Section
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
MEMORY_WITHIN = 0.02
MEMORY_WITHIN_BYTES = 2**20


class Figure(NamedTuple):
    """What a sweep says of one job; peak memory is above the bare runtime's."""

    median_ms: float
    verdict: str
    peak_rss_bytes: int
    pss_bytes: int | None


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


class MemoryPair(NamedTuple):
    """How much memory of one kind two sweeps say that a job takes."""

    job: str
    first_bytes: int
    second_bytes: int

    @property
    def change_bytes(self) -> int:
        """From the first to the second."""
        return self.second_bytes - self.first_bytes

    @property
    def repeats(self) -> bool:
        """Whether it is the same again."""
        allowed = max(MEMORY_WITHIN * self.first_bytes, MEMORY_WITHIN_BYTES)
        return abs(self.change_bytes) <= allowed


def run() -> Section:
    """Two sweeps in one fleet; the second finds the first one's artifacts."""
    backbones = BACKBONES[: scaled(len(BACKBONES))]
    with tempfile.TemporaryDirectory() as folder:
        state_dir = Path(folder)
        with (
            running_controller(state_dir / "controller") as (_controller, address),
            running_agent(address, "here", state_dir / "agent"),
        ):
            first, second = (_sweep(backbones, address, state_dir) for _ in range(2))
    pairs = [Pair(job, first[job], second[job]) for job in sorted(first)]
    share = sum(pair.repeats or pair.warned for pair in pairs) / len(pairs)
    memory = memory_pairs(pairs)
    return Section(
        title="Repeatability",
        promise=f"of a sweep of {len(backbones)} backbones on both runtimes that is run twice, at "
        f"least {LEAST_SHARE:.0%} of the medians are within {WITHIN:.0%} of each other, or a "
        "verdict says that the figure is not to be relied on; and at least as many of the figures "
        f"of each kind of memory are within {MEMORY_WITHIN:.0%} or 1 MiB, whatever the verdict.",
        header=("what", "figure"),
        rows=[
            *_rows(pairs, share),
            *(row for kind in memory.items() for row in _memory_rows(*kind)),
        ],
        holds=min(share, *map(_repeating_share, memory.values())) >= LEAST_SHARE,
    )


def memory_pairs(pairs: Sequence[Pair]) -> dict[str, list[MemoryPair]]:
    """By kind of memory, those jobs of which both sweeps know it."""
    return {
        "peak RSS": [
            MemoryPair(pair.job, pair.first.peak_rss_bytes, pair.second.peak_rss_bytes)
            for pair in pairs
        ],
        "PSS": [
            MemoryPair(pair.job, pair.first.pss_bytes, pair.second.pss_bytes)
            for pair in pairs
            if pair.first.pss_bytes is not None and pair.second.pss_bytes is not None
        ],
    }


def _repeating_share(pairs: Sequence[MemoryPair]) -> float:
    """How many are the same again, 0 to 1; where nothing is known, nothing is."""
    return sum(pair.repeats for pair in pairs) / len(pairs) if pairs else 0.0


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


def _memory_rows(kind: str, pairs: Sequence[MemoryPair]) -> list[tuple[str, str]]:
    repeating = sum(pair.repeats for pair in pairs)
    rows = [(f"{kind} within {MEMORY_WITHIN:.0%} or 1 MiB", f"{repeating} of {len(pairs)}")]
    if pairs:
        furthest = max(pairs, key=lambda pair: abs(pair.change_bytes))
        first, change = furthest.first_bytes / 2**20, furthest.change_bytes / 2**20
        rows.append(
            (f"{kind}, furthest apart", f"{furthest.job}, {change:+.2f} MiB of {first:.1f} MiB")
        )
    return rows


def _sweep(backbones: tuple[str, ...], address: str, folder: Path) -> dict[str, Figure]:
    """By job, what a sweep with the settings that a person gets says of it."""
    swept = _edgerank(
        address,
        "sweep",
        "--models",
        ",".join(backbones),
        "--weights",
        "synthetic",
        "--fresh",
        "--json",
    )
    sweep_id = json.loads(swept)["sweep_id"]
    exported = folder / f"{sweep_id}.json"
    _edgerank(address, "export", str(exported), "--sweep", sweep_id)
    return {
        f"{job['backbone']}, {job['runtime']}, {job['threads']} threads": Figure(
            job["latency"]["median_ms"],
            job["verdict"],
            job["memory"]["peak_rss_bytes"],
            job["memory"]["pss_bytes"],
        )
        for job in json.loads(exported.read_text())
    }


def _edgerank(address: str, *command: str) -> str:
    return subprocess.run(
        [*EDGERANK, *command],
        env=dict(os.environ, EDGERANK_CONTROLLER=address),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    ).stdout
