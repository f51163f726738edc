"""What other devices took, as races and predictions learn from it: chosen by one rule, and bounded.

A race asks after each round, and chooses and reads once. What others measure meanwhile counts for
the next race.
"""

import threading
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence, Set
from heapq import nlargest
from typing import Final, NamedTuple, TypeAlias
from weakref import WeakKeyDictionary

from controller.domain.catalog import joined_catalog
from controller.domain.devices import Device
from controller.domain.rankings.predictions import Elsewhere
from controller.fleet.rounds.expecting import network_name
from controller.ranking.prediction.elsewhere import nearest_devices, telling_settings
from controller.ranking.prediction.evidence import Network, Setting, is_comparable, tells_of
from controller.state.catalog.candidates import RacingJob, racing_jobs
from controller.state.catalog.own_models import list_own_models
from controller.state.database import Database
from controller.state.devices import find_devices
from controller.state.measurements.elsewhere import list_latencies
from controller.state.measurements.stamps import counts_by_device
from controller.state.rounds.courses import Place
from controller.state.sweeps import running_among
from models.catalog.catalog import Backbone, load_catalog
from models.catalog.precisions import MADE_PRECISIONS, Precision
from protos.runtimes import Runtime

_MOST_PROFILES: Final = 256
"""Devices whose profiles are looked at: those that measured most."""
_MOST_LATENCIES: Final = 5_000
"""Of each device that is chosen: the whole catalog in 13 settings."""
MOST_FIGURES_KEPT: Final = 640_000
"""Of all races at once, 100 bytes each: 56 that learn from the whole catalog in 32 settings."""


class Took(NamedTuple):
    """What a network took in a setting.

    Attributes:
        latency_ms: median.
        peak_rss_bytes: peak memory; None where nobody knows.
    """

    latency_ms: float
    peak_rss_bytes: int | None


class Asked(NamedTuple):
    """What others are to tell about.

    Attributes:
        networks: which ones.
        runtimes: where.
        precisions: whose figures tell of it.
    """

    networks: Set[Network]
    runtimes: Set[Runtime]
    precisions: Set[Precision]


Others: TypeAlias = Mapping[Precision, Sequence[Elsewhere]]
"""What networks took in the settings of other devices that tell of each precision that races."""


class _Kept:
    """What the races that go on learn from others: read once each, and bounded together."""

    def __init__(self) -> None:
        self._of: dict[Place, Others] = {}
        self._lock = threading.Lock()

    def get(self, place: Place) -> Others | None:
        """What a race learns from; None where it did not ask yet."""
        with self._lock:
            return self._of.get(place)

    def put(self, place: Place, others: Others) -> Others:
        """Keeps what a race learns from, and gives it: nothing where there is no room for it.

        A race that went without goes on so: what it learns from stays the same to its end.
        """
        with self._lock:
            kept = sum(map(_figure_count, self._of.values()))
            has_room = kept + _figure_count(others) <= MOST_FIGURES_KEPT
            # Of two that asked at once both go by the same.
            return self._of.setdefault(place, others if has_room else {})

    def forget(self, place: Place) -> None:
        """Lets go of a race that has ended here."""
        with self._lock:
            self._of.pop(place, None)

    def forget_ended(self, database: Database) -> None:
        """Lets go of races that were cancelled, or ended otherwise."""
        with self._lock:
            sweep_ids = {place.sweep_id for place in self._of}
            ended = sweep_ids - running_among(database, sweep_ids)
            self._of = {of: kept for of, kept in self._of.items() if of.sweep_id not in ended}


# Those of a database go with it.
_KEPT: Final[WeakKeyDictionary[Database, _Kept]] = WeakKeyDictionary()


def elsewhere_of(database: Database, place: Place) -> Others:
    """What networks took in the settings of other devices that may tell most of a race.

    It is read once, and the same until the race ends.

    Args:
        database: the controller's.
        place: the race's sweep and device.
    """
    kept = _KEPT.setdefault(database, _Kept())
    known = kept.get(place)
    if known is not None:
        return known
    kept.forget_ended(database)
    return kept.put(place, _read(database, place))


def forget_others(database: Database, place: Place) -> None:
    """Lets go of what a race learned from, once it has ended on a device."""
    if database in _KEPT:
        _KEPT[database].forget(place)


def _figure_count(others: Others) -> int:
    return sum(len(each.values) for those in others.values() for each in those)


def _read(database: Database, place: Place) -> Others:
    own = find_devices(database, {place.device_id}, frozenset())
    # One that was taken out of the fleet races no more.
    if not own:
        return {}
    with database.transaction() as transaction:
        raced = racing_jobs(transaction, place)
    catalog = {
        each.name: each for each in joined_catalog(load_catalog(), list_own_models(database))
    }
    near = nearest(database, own[0])
    # As predictions are asked for, one precision after the other: so each learns from the same
    # whatever races beside it.
    return {
        precision: _elsewhere(telling_most(database, near, catalog, _asked(raced, precision)))
        for precision in MADE_PRECISIONS
        if any(each.precision is precision for each in raced)
    }


def _asked(raced: Iterable[RacingJob], precision: Precision) -> Asked:
    here = [each for each in raced if each.precision is precision]
    return Asked(
        {(each.backbone, each.input_size) for each in here if each.input_size is not None},
        {each.settings.runtime for each in here if each.settings is not None},
        {each for each in Precision if tells_of(each, precision)},
    )


def _elsewhere(chosen: Mapping[Setting, Mapping[Network, Took]]) -> tuple[Elsewhere, ...]:
    return tuple(
        Elsewhere(
            setting=setting.name,
            values={network_name(network): each.latency_ms for network, each in took.items()},
        )
        for setting, took in chosen.items()
    )


def nearest(database: Database, own: Device) -> tuple[str, ...]:
    """Ids of the devices of the fleet that may tell most of one: see `nearest_devices`."""
    counts = dict(counts_by_device(database))
    counts.pop(own.device_id, None)
    looked_at = nlargest(_MOST_PROFILES, counts, key=lambda each: (counts[each], each))
    known = find_devices(database, looked_at, frozenset())
    return tuple(each.device_id for each in nearest_devices(own, known, counts))


def telling_most(
    database: Database,
    device_ids: Iterable[str],
    catalog: Mapping[str, Backbone],
    asked: Asked,
) -> dict[Setting, Mapping[Network, Took]]:
    """What networks took in the settings that may tell most, the likeliest first.

    See `telling_settings`.

    Args:
        database: the controller's.
        device_ids: whose settings.
        catalog: backbones by name.
        asked: about what.
    """
    took = {
        setting: networks_there
        for device_id in device_ids
        for setting, networks_there in _took(database, device_id, catalog, asked.precisions).items()
    }
    chosen = telling_settings(took, asked.networks, asked.runtimes)
    return {setting: took[setting] for setting in chosen}


def _took(
    database: Database,
    device_id: str,
    catalog: Mapping[str, Backbone],
    precisions: Set[Precision],
) -> dict[Setting, dict[Network, Took]]:
    """What networks took on a device, by setting."""
    found: defaultdict[Setting, dict[Network, Took]] = defaultdict(dict)
    networks = {(name, each.input_size) for name, each in catalog.items()}
    for each in list_latencies(database, device_id, precisions, networks, _MOST_LATENCIES):
        if is_comparable(each, catalog):
            told = each.settings
            setting = Setting(each.device, told.runtime, told.threads, each.precision)
            network = each.backbone, each.input_size
            found[setting][network] = Took(each.median_ms, each.peak_rss_bytes)
    return dict(found)
