"""Which other devices and settings what networks cost is learned from: a bounded choice.

Of a fleet it is made in steps, so that only what may tell is read: devices by what they are and how
much they measured, then settings by what they measured, then those whose figures are most alike.
"""

import math
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import replace
from typing import Final

import numpy as np

from controller.domain.devices import Device
from controller.domain.rankings.predictions import LEAST_MEASURED, Elsewhere, KnownFigure
from controller.ranking.prediction.evidence import Network, Setting
from controller.ranking.prediction.working import Measured
from protos.runtimes import Runtime

MOST_DEVICES: Final = 16
"""Devices whose measurements are looked at."""
MOST_OTHERS: Final = 32
"""Settings that are chosen from: each takes its time."""
_LEAST_IN_COMMON: Final = 4


def nearest_devices(
    own: Device, others: Iterable[Device], counts: Mapping[str, int]
) -> list[Device]:
    """Name the devices that may tell most of one, at most `MOST_DEVICES`, the most alike first.

    These have the same processor, else the same architecture, and measured most. An emulated one
    tells nothing.

    Args:
        own: the device.
        others: to choose from.
        counts: how many measurements each has, by its id.
    """

    def order(device: Device) -> tuple[bool, bool, int, str]:
        ours, theirs = own.profile, device.profile
        return (
            not (ours.cpu_model and ours.cpu_model == theirs.cpu_model),
            ours.architecture != theirs.architecture,
            -counts.get(device.device_id, 0),
            device.device_id,
        )

    real = [each for each in others if not each.profile.emulator]
    return sorted(real, key=order)[:MOST_DEVICES]


def telling_settings(
    found: Mapping[Setting, Mapping[Network, object]],
    networks: Set[Network],
    runtimes: Set[Runtime],
) -> list[Setting]:
    """Name the settings that may tell most of networks, at most `MOST_OTHERS`, the likeliest first.

    These are of the same runtimes and have most of the networks. One with too few to learn costs
    from is none.

    Args:
        found: what networks took, by setting.
        networks: that are asked about.
        runtimes: where.
    """

    def order(setting: Setting) -> tuple[bool, int, str]:
        common = len(networks & found[setting].keys())
        return setting.runtime not in runtimes, -common, setting.name

    telling = [setting for setting, those in found.items() if len(those) >= LEAST_MEASURED]
    return sorted(telling, key=order)[:MOST_OTHERS]


def most_alike(
    elsewhere: Sequence[Elsewhere],
    known: Sequence[KnownFigure],
    featured: Set[str],
    most: int = MOST_OTHERS,
) -> list[Elsewhere]:
    """The settings whose values are most like the known ones, times a factor each.

    Of a large fleet the others are not looked at.

    Args:
        elsewhere: settings.
        known: figures of the setting that is asked about.
        featured: names of the networks that costs can be learned from.
        most: how many at most.
    """

    def off(setting: Elsewhere) -> float:
        both = [each for each in known if each.backbone in setting.values]
        if len(both) < _LEAST_IN_COMMON:
            return math.inf
        return float(np.std([math.log(k.value / setting.values[k.backbone]) for k in both]))

    return sorted(telling_costs(elsewhere, featured), key=off)[:most]


def telling_costs(elsewhere: Sequence[Elsewhere], featured: Set[str]) -> list[Elsewhere]:
    """The settings that have figures of enough networks that costs can be learned from."""
    return [each for each in elsewhere if len(featured & each.values.keys()) >= LEAST_MEASURED]


def without(setting: Elsewhere, names: Set[str]) -> Elsewhere:
    """A setting less what some networks take there."""
    left = {name: value for name, value in setting.values.items() if name not in names}
    return replace(setting, values=left)


def measured(setting: Elsewhere, names: Sequence[str]) -> Measured:
    """What networks take in a setting, by their places among the names."""
    places = [place for place, name in enumerate(names) if name in setting.values]
    return Measured(np.array(places), np.log([setting.values[names[p]] for p in places]))
