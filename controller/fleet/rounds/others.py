"""What other devices took, as races and predictions learn from it: chosen by one rule, and bounded.

A race asks after each round, and chooses and reads once. What others measure meanwhile counts for
the next race.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Set
from functools import lru_cache
from heapq import nlargest
from typing import Final, NamedTuple

from controller.domain.catalog import joined_catalog
from controller.domain.devices import Device
from controller.domain.rankings.predictions import Elsewhere
from controller.fleet.rounds.expecting import network_name
from controller.ranking.prediction.elsewhere import nearest_devices, telling_settings
from controller.ranking.prediction.evidence import Network, Setting, is_comparable
from controller.state.catalog.candidates import racing_jobs
from controller.state.catalog.own_models import list_own_models
from controller.state.database import Database
from controller.state.devices import find_devices
from controller.state.measurements.elsewhere import list_latencies
from controller.state.measurements.stamps import counts_by_device
from controller.state.rounds.courses import Place
from models.catalog.catalog import Backbone, load_catalog
from models.catalog.precisions import Precision
from protos.runtimes import Runtime

_MOST_PROFILES: Final = 256
"""Devices whose profiles are looked at: those that measured most."""
_MOST_LATENCIES: Final = 5_000
"""Of each device that is chosen: the whole catalog in 13 settings."""


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


# A race keeps a megabyte of 32 settings that have the whole catalog. Which these are may differ
# once a controller was started again.
@lru_cache(maxsize=32)
def elsewhere_of(database: Database, place: Place) -> tuple[Elsewhere, ...]:
    """What networks took in the settings of other devices that may tell most of a race.

    Args:
        database: the controller's.
        place: the race's sweep and device.
    """
    own = find_devices(database, {place.device_id}, frozenset())
    # One that was taken out of the fleet races no more.
    if not own:
        return ()
    with database.transaction() as transaction:
        raced = racing_jobs(transaction, place)
    catalog = joined_catalog(load_catalog(), list_own_models(database))
    chosen = telling_most(
        database,
        nearest(database, own[0]),
        {each.name: each for each in catalog},
        Asked(
            {(each.backbone, each.input_size) for each in raced if each.input_size is not None},
            {each.settings.runtime for each in raced if each.settings is not None},
            {Precision.FP32},
        ),
    )
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
    for each in list_latencies(database, device_id, precisions, _MOST_LATENCIES):
        if is_comparable(each, catalog):
            told = each.settings
            setting = Setting(each.device, told.runtime, told.threads, each.precision)
            network = each.backbone, each.input_size
            found[setting][network] = Took(each.median_ms, each.peak_rss_bytes)
    return dict(found)
