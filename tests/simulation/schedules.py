"""What a seed stands for: a fleet with its people's sweeps, and what befalls it. Pure."""

import random
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from tests.simulation.causes import OF_CONTROLLER, OF_SWEEPS, Kind

BACKBONES: Final = (
    "MobileNetV1",
    "MobileNetV3_small_x0_35",
    "PPLCNet_x0_25",
    "PPLCNet_x1_0",
    "ResNet18",
    "ShuffleNetV2_x0_25",
)
PEOPLE: Final = ("", "ann", "bob")
MOST_SWEEPS: Final = 8
MOST_THREADS: Final = 64
# What a turn takes, s; some devices are slower than others.
SHORTEST_TURN_S: Final = 4.0
LONGEST_TURN_S: Final = 30.0
_MEAN_TURN_S: Final = 20.0
_MEAN_REPETITIONS: Final = 1.8
# Each of them befalls all devices, and a start costs what all of them dial.
MOST_OF_CONTROLLER: Final = 24
_YEAR_MS: Final = 365 * 24 * 3_600_000


@dataclass(frozen=True)
class Size:
    """How large a fleet is: about so many jobs, on so many devices, that so much befalls."""

    jobs: int = 500
    devices: int = 50
    faults: int = 60


@dataclass(frozen=True, kw_only=True)
class Asked:
    """A sweep that a person starts.

    Attributes:
        name: what it is called.
        person: whose token.
        starts_at_s: when.
        devices: on which, by their numbers.
        backbones: of what.
        threads: with up to how many; each is a job.
        repetitions: the fewest and the most.
        sentinel: whether one is read between.
        priority: how urgent it is.
        is_due: whether it has a deadline.
    """

    name: str
    person: str
    starts_at_s: float
    devices: tuple[int, ...]
    backbones: tuple[str, ...]
    threads: int
    repetitions: tuple[int, int]
    sentinel: bool
    priority: int
    is_due: bool


@dataclass(frozen=True, kw_only=True)
class Fault:
    """One thing that happens.

    Attributes:
        kind: what.
        at_s: when.
        whom: the number of the device or sweep that it befalls, where it does.
        lasts_s: until it is over, s.
        amount: of which size: ms by which a clock is set, a priority, statements until a death.
    """

    kind: Kind
    at_s: float
    whom: int
    lasts_s: float
    amount: int

    def __str__(self) -> str:
        """Write it for a person who replays a seed."""
        how = f"of {self.whom}, for {self.lasts_s:.1f} s, {self.amount}"
        return f"{self.at_s:9.1f} s  {self.kind.value} ({how})"


@dataclass(frozen=True, kw_only=True)
class Schedule:
    """A fleet and its fate; `faults` are in the order of their times."""

    seed: int
    size: Size
    sweeps: tuple[Asked, ...]
    faults: tuple[Fault, ...]
    expected_s: float


def draw(seed: int, size: Size = Size()) -> Schedule:
    """The schedule of a seed and a size: the same each time."""
    rng = random.Random(f"{seed} {size.jobs} {size.devices} {size.faults}")
    sweeps = _draw_sweeps(rng, size)
    jobs_a_device = max(1.0, size.jobs / size.devices)
    expected_s = 60 + jobs_a_device * _MEAN_REPETITIONS * _MEAN_TURN_S
    faults = [
        _draw_fault(rng, kind, size, len(sweeps), expected_s) for kind in _draw_kinds(rng, size)
    ]
    return Schedule(
        seed=seed,
        size=size,
        sweeps=sweeps,
        faults=tuple(sorted(faults, key=lambda fault: fault.at_s)),
        expected_s=expected_s,
    )


def _draw_sweeps(rng: random.Random, size: Size) -> tuple[Asked, ...]:
    """Sweeps that have about so many jobs together, most of them on parts of the fleet."""
    count = rng.randint(2, max(2, min(MOST_SWEEPS, size.jobs // size.devices)))
    devices = [
        sorted(rng.sample(range(size.devices), rng.randint(1 + size.devices // 3, size.devices)))
        for _ in range(count)
    ]
    each = max(1, round(size.jobs / sum(map(len, devices))))
    backbones = min(each, len(BACKBONES))
    late_s = 0.5 * _MEAN_TURN_S * size.jobs / size.devices
    grid = backbones, round(each / backbones)
    return tuple(
        _draw_sweep(rng, f"sweep-{number}", its, grid, late_s) for number, its in enumerate(devices)
    )


def _draw_sweep(
    rng: random.Random,
    name: str,
    devices: list[int],
    grid: tuple[int, int],
    late_s: float,
) -> Asked:
    fewest = rng.choice((1, 1, 2))
    backbones, threads = grid
    return Asked(
        name=name,
        person=rng.choice(PEOPLE),
        starts_at_s=rng.choice((0.0, rng.uniform(0, late_s))),
        devices=tuple(devices),
        backbones=tuple(sorted(rng.sample(BACKBONES, backbones))),
        threads=min(MOST_THREADS, max(1, threads)),
        repetitions=(fewest, rng.choice((fewest, fewest, 3))),
        sentinel=rng.random() < 0.25,
        priority=rng.choice((0, 0, 0, 1, 5)),
        is_due=rng.random() < 0.25,
    )


# Besides those of the controller: how likely each is.
_WEIGHTS: Final[Mapping[Kind, int]] = {
    kind: {Kind.SWEEP_CANCELLED: 1, Kind.CONVERSION_REFUSED: 1}.get(kind, 8)
    for kind in Kind
    if kind not in OF_CONTROLLER
}
# How long each lasts, s; what is not here is over at once.
_LASTS_S: Final[Mapping[Kind, tuple[float, float]]] = {
    Kind.AGENT_DIES: (0.0, 90.0),
    Kind.AGENT_ENDS: (0.0, 90.0),
    Kind.AGENT_HANGS: (1.0, 120.0),
    Kind.JOB_HANGS: (300.0, 3_000.0),
    Kind.DEVICE_BROKEN: (30.0, 600.0),
    Kind.LINK_CUT: (0.0, 120.0),
    Kind.LINK_CUT_UNSEEN: (0.1, 60.0),
    Kind.LINK_STALLS: (0.5, 120.0),
    Kind.CONTROLLER_KILLED: (0.0, 60.0),
    Kind.CONTROLLER_STANDS_STILL: (3.0, 60.0),
    Kind.CONTROLLER_DISK_FULL: (0.5, 40.0),
    Kind.SWEEP_PAUSED: (1.0, 900.0),
    Kind.DEVICE_RESTS: (0.5, 600.0),
    Kind.DEVICE_DRAINS: (0.5, 600.0),
}


def _draw_kinds(rng: random.Random, size: Size) -> list[Kind]:
    of_controller = min(MOST_OF_CONTROLLER, max(1, size.faults // 12))
    others = max(0, size.faults - of_controller)
    drawn = rng.choices(tuple(_WEIGHTS), weights=tuple(_WEIGHTS.values()), k=others)
    of_all = sorted(OF_CONTROLLER, key=lambda kind: kind.value)
    return [*drawn, *rng.choices(of_all, k=min(of_controller, size.faults))]


def _draw_fault(
    rng: random.Random, kind: Kind, size: Size, sweeps: int, expected_s: float
) -> Fault:
    shortest_s, longest_s = _LASTS_S.get(kind, (0.0, 0.0))
    amounts = {
        Kind.AGENT_CLOCK_SET: rng.randint(-50 * _YEAR_MS, 500 * _YEAR_MS),
        Kind.CONTROLLER_CLOCK_SET: rng.choice(
            (rng.randint(-7_200_000, 7_200_000), rng.randint(-50 * _YEAR_MS, 100 * _YEAR_MS))
        ),
        Kind.CONTROLLER_KILLED: rng.randrange(120),
        Kind.SWEEP_EDITED: rng.randint(-10, 10),
        Kind.CONVERSION_REFUSED: rng.randrange(len(BACKBONES)),
    }
    befallen = sweeps if kind in OF_SWEEPS else size.devices
    return Fault(
        kind=kind,
        at_s=rng.uniform(1, expected_s),
        whom=rng.randrange(befallen),
        lasts_s=rng.uniform(shortest_s, longest_s),
        amount=amounts.get(kind, 0),
    )
