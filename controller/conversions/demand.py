"""Who waits for which conversion: kept in step as sweeps begin, are served and end."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from controller.conversions.need import Urgency, Wish, most_needed

_NONE: Final[frozenset[str]] = frozenset()


@dataclass
class _Wanted:
    """What one sweep wants: of each backbone for which devices, and the first place."""

    urgency: Urgency
    idle: set[str]
    of_backbone: Mapping[str, tuple[frozenset[str], int]]


class Demand:
    """What sweeps want converted; in the event loop, which alone changes it.

    A choice looks at the backbones that wait and at the sweeps that want them, not at jobs.
    """

    def __init__(self) -> None:
        self._sweeps: dict[str, _Wanted] = {}

    def want(
        self,
        sweep_id: str,
        urgency: Urgency,
        places: Mapping[str, Mapping[str, int]],
        idle: Iterable[str],
    ) -> None:
        """A sweep begins to wait.

        Args:
            sweep_id: which one.
            urgency: how urgent it is.
            places: by backbone and by the id of the device, the place of the first turn that waits.
            idle: ids of devices that have nothing to measure yet.
        """
        # Mostly all backbones are for the same devices.
        shared: dict[frozenset[str], frozenset[str]] = {}
        of_backbone = {}
        for backbone, of_device in places.items():
            devices = frozenset(of_device)
            devices = shared.setdefault(devices, devices)
            of_backbone[backbone] = devices, min(of_device.values())
        self._sweeps[sweep_id] = _Wanted(urgency, set(idle), of_backbone)

    def urge(self, sweep_id: str, urgency: Urgency) -> None:
        """A sweep is as urgent as this from now on."""
        if sweep_id in self._sweeps:
            self._sweeps[sweep_id].urgency = urgency

    def served(self, device_ids: Iterable[str]) -> None:
        """These devices have something to measure now."""
        served = frozenset(device_ids)
        for wanted in self._sweeps.values():
            wanted.idle -= served

    def forget(self, sweep_id: str) -> None:
        """A sweep waits no more."""
        self._sweeps.pop(sweep_id, None)

    def first(self, backbones: Sequence[str]) -> str:
        """The one of these backbones whose conversion is needed first."""
        known: dict[tuple[str, frozenset[str]], frozenset[str]] = {}
        return most_needed(
            {backbone: list(self._wishes(backbone, known)) for backbone in backbones}
        )

    def _wishes(
        self, backbone: str, known: dict[tuple[str, frozenset[str]], frozenset[str]]
    ) -> Iterable[Wish]:
        """The wishes of a backbone; `known` are the idle devices of a sweep among some."""
        for sweep_id, wanted in self._sweeps.items():
            if backbone not in wanted.of_backbone:
                continue
            devices, place = wanted.of_backbone[backbone]
            idle = _NONE
            if wanted.idle:
                idle = known.setdefault((sweep_id, devices), devices & wanted.idle)
            yield Wish(urgency=wanted.urgency, devices=devices, idle=idle, place=place)
