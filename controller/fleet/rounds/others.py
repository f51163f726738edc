"""What other devices took, as a race learns from it: chosen and read once a race, and bounded.

A race asks after each round. What others measure meanwhile counts for the next race.
"""

from collections import defaultdict
from collections.abc import Mapping
from functools import lru_cache
from heapq import nlargest
from typing import Final

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

_MOST_PROFILES: Final = 256
"""Devices whose profiles are looked at: those that measured most."""
_MOST_LATENCIES: Final = 5_000
"""Of each device that is chosen: the whole catalog in 13 settings."""


# A race keeps a megabyte of 32 settings that have the whole catalog. Which these are may differ
# once a controller was started again.
@lru_cache(maxsize=32)
def elsewhere_of(database: Database, place: Place) -> tuple[Elsewhere, ...]:
    """What networks took in the settings of other devices that may tell most of a race.

    Args:
        database: the controller's.
        place: the race's sweep and device.
    """
    with database.transaction() as transaction:
        raced = racing_jobs(transaction, place)
    catalog = joined_catalog(load_catalog(), list_own_models(database))
    by_name = {each.name: each for each in catalog}
    measured = {
        setting: latencies_ms
        for device in _nearest(database, place.device_id)
        for setting, latencies_ms in _measured(database, device, by_name).items()
    }
    chosen = telling_settings(
        measured,
        {(each.backbone, each.input_size) for each in raced if each.input_size is not None},
        {each.settings.runtime for each in raced if each.settings is not None},
    )
    return tuple(
        Elsewhere(
            setting=each.setting.name,
            values={network_name(network): ms for network, ms in each.latencies_ms.items()},
        )
        for each in chosen
    )


def _nearest(database: Database, device_id: str) -> list[Device]:
    """The devices that may tell most of one."""
    counts = dict(counts_by_device(database))
    counts.pop(device_id, None)
    looked_at = nlargest(_MOST_PROFILES, counts, key=lambda each: (counts[each], each))
    known = find_devices(database, {device_id, *looked_at}, frozenset())
    own = next((each for each in known if each.device_id == device_id), None)
    # One that was taken out of the fleet races no more.
    return [] if own is None else nearest_devices(own, [e for e in known if e is not own], counts)


def _measured(
    database: Database, device: Device, catalog: Mapping[str, Backbone]
) -> dict[Setting, dict[Network, float]]:
    """What networks took on a device, by setting."""
    found: defaultdict[Setting, dict[Network, float]] = defaultdict(dict)
    for each in list_latencies(database, device.device_id, _MOST_LATENCIES):
        if is_comparable(each, catalog):
            setting = Setting(each.device, each.settings.runtime, each.settings.threads)
            found[setting][each.backbone, each.input_size] = each.median_ms
    return dict(found)
