"""Which one backbone is best for a whole fleet."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from controller.domain.errors import EdgerankError, ErrorCode
from controller.domain.measurements import Measurement
from controller.domain.rankings import Constraints, Merit
from controller.domain.rankings.limits import LimitEffect
from controller.domain.sweeps import SweepSpec
from models.catalog.catalog import IMAGENET

MOST_CHOICES: Final = 10
"""How many ties, and how many backbones behind them, a fleet's ranking shows at most."""


@dataclass(frozen=True, kw_only=True)
class FleetQuestion:
    """Of which devices the best is asked for, and how much each counts.

    Attributes:
        devices: names and labels, as soc=rk3588; without any, every device of the fleet.
        constraints: hold on every device.
        accuracy_dataset: whose accuracy counts.
        shares: by device's name how much it counts, above 0; 1 where nothing is said.
        most_listed: at most so many ties, and so many others, are told; None is 10.
    """

    devices: tuple[str, ...] = ()
    constraints: Constraints = field(default_factory=Constraints)
    accuracy_dataset: str = IMAGENET
    shares: Mapping[str, float] = field(default_factory=dict)
    most_listed: int | None = None


def check_shares(shares: Mapping[str, float]) -> None:
    """Refuse shares that no mean can be weighted by.

    Raises:
        EdgerankError: INVALID_INPUT for one that is not above 0.
    """
    for name, share in shares.items():
        if not 0 < share < math.inf:
            message = f"the share of {name!r} is {share:g}; write a number above 0"
            raise EdgerankError(ErrorCode.INVALID_INPUT, message)


@dataclass(frozen=True, kw_only=True)
class ChoiceOnDevice:
    """How a backbone does on one device, in its best setting there that satisfies the constraints.

    Attributes:
        measurement: what it was measured at, without raw samples.
        regret: what the device loses by it, at least 0: of latency and memory a fraction of the
            least there, of accuracy and value points of top-1.
        regret_low: the least that it can be by the intervals.
        regret_high: the most that it can be by the intervals.
    """

    measurement: Measurement
    regret: float
    regret_low: float
    regret_high: float


@dataclass(frozen=True, kw_only=True)
class FleetChoice:
    """A backbone that satisfies the constraints on every device of a fleet.

    Attributes:
        backbone: its name.
        on_devices: how it does on each, in the fleet's order.
        worst_device: where its regret is the highest.
        worst_regret: that regret.
        mean_regret: the mean of its regrets, weighted by the devices' shares.
    """

    backbone: str
    on_devices: tuple[ChoiceOnDevice, ...]
    worst_device: str
    worst_regret: float
    mean_regret: float


@dataclass(frozen=True, kw_only=True)
class IncompleteChoice:
    """A backbone that satisfies the constraints on some devices of a fleet, and not on all.

    Attributes:
        backbone: its name.
        unmeasured_on: devices on which it has no figure that counts.
        excluded_on: devices on which its figures do not satisfy the constraints.
    """

    backbone: str
    unmeasured_on: tuple[str, ...] = ()
    excluded_on: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class FleetPlace:
    """A device of a fleet that has figures, and what is best there.

    Attributes:
        device: its name.
        share: how much it counts, a fraction of 1.
        best: what is first there by the merit; None where nothing satisfies the constraints.
        limit_effects: where nothing does: what each constraint excludes of what was measured there.
    """

    device: str
    share: float
    best: Measurement | None = None
    limit_effects: tuple[LimitEffect, ...] = ()


@dataclass(frozen=True, kw_only=True)
class FleetRanking:
    """What is best on each device of a fleet, and which one backbone is best for all of them.

    Attributes:
        constraints: what was asked for; they hold on every device.
        places: the devices that have figures that count.
        without_figures: devices that have none; nothing is known of them.
        least_worst: the backbone whose highest regret is the lowest; None where none satisfies the
            constraints on every device.
        least_mean: the backbone whose weighted mean regret is the lowest.
        ties: what cannot be told apart from `least_worst` by its intervals, at most 10.
        others: the next ones by their highest regret, at most 10.
        tie_count: how many ties there are in all.
        other_count: how many there are in all besides the winners and ties.
        incomplete: what satisfies the constraints on some devices only, on most first; at most
            10.
        incomplete_count: how many there are of these in all.
        suggested_sweep: what would measure `incomplete` where it has no figures; None without any.
        accuracy_dataset: dataset whose accuracy counted.
        merit: by what the best is chosen.
        limit_effects: without a backbone for all: what each constraint excludes on one device or
            another, and how many there would be for all without it.
    """

    constraints: Constraints
    places: tuple[FleetPlace, ...] = ()
    without_figures: tuple[str, ...] = ()
    least_worst: FleetChoice | None = None
    least_mean: FleetChoice | None = None
    ties: tuple[FleetChoice, ...] = ()
    others: tuple[FleetChoice, ...] = ()
    tie_count: int = 0
    other_count: int = 0
    incomplete: tuple[IncompleteChoice, ...] = ()
    incomplete_count: int = 0
    suggested_sweep: SweepSpec | None = None
    accuracy_dataset: str = IMAGENET
    merit: Merit = Merit.VALUE
    limit_effects: tuple[LimitEffect, ...] = ()
