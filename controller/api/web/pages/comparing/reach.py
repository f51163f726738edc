"""How much is read for a comparison, told before it is read."""

from controller.domain.comparisons import CompareQuestion
from controller.domain.selectors import Selector
from controller.state.database import Database
from controller.state.devices import find_named
from controller.state.measurements.stamps import counts_by_device
from controller.state.sweeps import list_sweeps, resolve_sweep
from models.catalog.catalog import Catalog


def reach(database: Database, catalog: Catalog, question: CompareQuestion) -> int:
    """How many measurements are read at most for the larger side; 0 where a backbone is named.

    Raises:
        EdgerankError: UNKNOWN_NAME for a sweep; INVALID_INPUT for a beginning of several ids.
    """
    sides = (question.a, question.b)
    return max(_of_side(database, catalog, each, question.device) for each in sides)


def _of_side(database: Database, catalog: Catalog, side: Selector, device: str | None) -> int:
    if side.backbone is not None or side.sweep_id in catalog:
        return 0
    if side.sweep_id is not None:
        found = list_sweeps(database, sweep_id=resolve_sweep(database, side.sweep_id))
        return sum(each.jobs_total + each.jobs_measured_before for each in found)
    if device is None:
        return sum(counts_by_device(database).values())
    named = find_named(database, device, frozenset())
    return 0 if named is None else sum(counts_by_device(database, named.device_id).values())
