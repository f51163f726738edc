"""For real, on this machine: `find` over a tier beside a full sweep of it, both in one run."""

import json
import os
import shutil
import subprocess
import tempfile
import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from models.catalog.catalog import load_catalog
from models.catalog.tiers import Tier, select_tier
from tests.benchmarks.pages.machine import cpu_model
from tests.benchmarks.pages.section import Section
from tests.benchmarks.racing.simulated import hypervolume
from tests.benchmarks.racing.tables import Known
from tests.benchmarks.size import scaled
from tests.processes import EDGERANK, running_agent, running_controller

ROUNDS = 3
MOST_OF_SWEEP = 0.15
SYNTHETIC = ("--weights", "synthetic")
# A folder that is kept, with what was converted.
HOME = os.environ.get("EDGERANK_BENCHMARK_HOME", "")
# Rounds of the whole tier. One lasts most of an hour: a run may make one, another day's the next.
KEPT = Path(__file__).parent / "rounds.jsonl"
ROUNDS_NOW = int(os.environ.get("EDGERANK_BENCHMARK_ROUNDS", ROUNDS))


@dataclass(frozen=True)
class Answer:
    """What `find` or a full sweep says.

    Attributes:
        seconds: how long it took, its artifacts being there.
        winner: backbone and runtime; empty for none.
        tied: what it says cannot be told apart from the winner, itself among them.
        front: candidates that nothing beats.
        latency_ms: of all candidates that it measured.
        top1s: likewise, percent.
        unmeasured: how many it did not measure.
    """

    seconds: float
    winner: str
    tied: frozenset[str]
    front: frozenset[str]
    latency_ms: dict[str, float]
    top1s: dict[str, float]
    unmeasured: int = 0


@dataclass(frozen=True)
class Pair:
    """Both, one after the other, on devices of their own: neither has the other's figures.

    Attributes:
        day: when, as 2026-11-28.
        cpu: the model of the machine's; empty of rounds that did not tell.
    """

    found: Answer
    swept: Answer
    day: str
    cpu: str = ""

    @property
    def share(self) -> float:
        """Of the sweep's time."""
        return self.found.seconds / self.swept.seconds

    @property
    def agrees(self) -> bool:
        """Whether both have one winner, or the sweep says that they tie."""
        return bool(self.found.winner) and self.found.winner in self.swept.tied

    @property
    def area(self) -> float:
        """What the front that was found dominates, of what the sweep's does, by its figures."""
        known = [
            Known(name, self.swept.top1s[name], ms, (1.0, 1.0))
            for name, ms in self.swept.latency_ms.items()
        ]
        chosen = [each for each in known if each.name in self.found.front]
        return hypervolume(chosen, known) / hypervolume(known, known)


def run() -> Section:
    """The tier, or every so many of its backbones, from the smallest to the largest."""
    tier = sorted(select_tier(load_catalog(), Tier.MOBILE), key=lambda each: each.flops_g or 0.0)
    count = scaled(len(tier))
    names = [tier[place * len(tier) // count].name for place in range(count)]
    with _home() as home:
        with running_controller(home / "controller") as (_controller, address):
            _asked(address, "convert", *names, *SYNTHETIC, "--json")
        kept = KEPT if count == len(tier) else home / f"rounds-of-{count}.jsonl"
        for _ in range(ROUNDS_NOW):
            # Each goes first in turn: what warms up is not always the same one's.
            pair = _pair(home, names, is_swept_first=len(_rounds(kept)) % 2 == 1)
            with kept.open("ab") as file:
                file.write(_PAIR.dump_json(pair) + b"\n")
        return section(_rounds(kept), len(names))


def _rounds(kept: Path) -> list[Pair]:
    lines = kept.read_bytes().splitlines() if kept.exists() else []
    pairs = [_PAIR.validate_json(line) for line in lines]
    # Those of another machine stand in the file, and prove nothing of this one.
    return [pair for pair in pairs if pair.cpu == cpu_model()]


def section(pairs: Sequence[Pair], backbone_count: int) -> Section:
    """What the rounds say, against what is promised of them."""
    return Section(
        title="Finding beside a full sweep",
        promise=f"`find` over {backbone_count} backbones of the mobile tier in both runtimes names "
        "the winner of a full sweep with defaults, or one that the sweep says is tied with it, in "
        f"at most {MOST_OF_SWEEP:.0%} of its wall time; both in one run, {ROUNDS} times (by now "
        f"{len(pairs)}), artifacts made before.",
        header=(
            *("round", "day", "find", "full sweep", "share of time", "found", "swept", "agrees"),
            *("not measured", "area of the front"),
        ),
        rows=[
            (
                str(number),
                pair.day,
                f"{pair.found.seconds:.0f} s",
                f"{pair.swept.seconds:.0f} s",
                f"{pair.share:.1%}",
                pair.found.winner or "none",
                pair.swept.winner or "none",
                "yes" if pair.agrees else "no",
                str(pair.found.unmeasured),
                f"{pair.area:.2%}",
            )
            for number, pair in enumerate(pairs, 1)
        ],
        holds=len(pairs) >= ROUNDS
        and all(pair.agrees and pair.share <= MOST_OF_SWEEP for pair in pairs),
    )


_PAIR = TypeAdapter(Pair)


@contextmanager
def _home() -> Iterator[Path]:
    if HOME:
        yield Path(HOME)
        return
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder)


def _pair(home: Path, names: Sequence[str], *, is_swept_first: bool) -> Pair:
    day = time.strftime("%Y-%m-%d")
    if is_swept_first:
        swept = _sweep(home, names)
        return Pair(_find(home, names), swept, day, cpu_model())
    found = _find(home, names)
    return Pair(found, _sweep(home, names), day, cpu_model())


def _find(home: Path, names: Sequence[str]) -> Answer:
    with _newcomer(home) as (address, device):
        began = time.monotonic()
        models = ("--models", ",".join(names), *SYNTHETIC)
        found = _asked(address, "find", "--device", device, *models, "--json")
        seconds = time.monotonic() - began
    return _answer(seconds, found["ranking"], found["unmeasured_count"])


def _sweep(home: Path, names: Sequence[str]) -> Answer:
    with _newcomer(home) as (address, device):
        began = time.monotonic()
        models = ("--models", ",".join(names), *SYNTHETIC)
        _asked(address, "sweep", "--devices", device, *models, "--json")
        seconds = time.monotonic() - began
        ranking = _asked(address, "best", "--device", device, "--all", "--json")
    return _answer(seconds, ranking)


@contextmanager
def _newcomer(home: Path) -> Iterator[tuple[str, str]]:
    """Where a controller that has the artifacts and no figure answers, and its only device.

    What it predicts may not rest on the figures of the same machine under another name.
    """
    device = f"here-{uuid.uuid4().hex[:8]}"
    with tempfile.TemporaryDirectory(dir=home) as folder:
        copied = Path(folder) / "controller"
        shutil.copytree(home / "controller", copied, copy_function=_linked_or_copied)
        with (
            running_controller(copied) as (_controller, address),
            running_agent(address, device, Path(folder) / "agent"),
        ):
            yield address, device


def _linked_or_copied(source: str, target: str) -> None:
    """An artifact never changes; what the controller writes to is its own."""
    if "artifacts" in Path(source).parts:
        os.link(source, target)
    else:
        shutil.copy2(source, target)


def _answer(seconds: float, ranking: dict[str, Any], unmeasured: int = 0) -> Answer:
    front = ranking["pareto_front"]
    winner = [ranking["winner"]] if ranking["winner"] else []
    everybody = [*winner, *ranking["ties"], *front, *ranking["others"]]
    measured = {_name(each): each["measurement"] for each in everybody}
    return Answer(
        seconds=seconds,
        winner=_name(winner[0]) if winner else "",
        tied=frozenset(map(_name, [*winner, *ranking["ties"]])),
        front=frozenset(map(_name, front)),
        latency_ms={name: each["latency"]["median_ms"] for name, each in measured.items()},
        top1s={name: each["top1"] for name, each in measured.items()},
        unmeasured=unmeasured,
    )


def _name(candidate: dict[str, Any]) -> str:
    measurement = candidate["measurement"]
    return f"{measurement['backbone']}, {measurement['runtime']}"


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
