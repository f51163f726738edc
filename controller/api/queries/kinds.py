"""What is known of kinds of measurements, kept while no accuracy changes."""

from typing import Final

from controller.api.queries.remembering import Remembered
from controller.state.database import Database
from controller.state.measurements.kinds import KnownKinds
from controller.state.measurements.stamps import accuracy_stamp

_DATASETS: Final = 8


class RememberedKinds:
    """Those beside the accuracy on each dataset; for several threads."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._known: Remembered[KnownKinds] = Remembered(_DATASETS)

    def beside(self, dataset: str) -> KnownKinds:
        """What is known of kinds beside the accuracy as it is now."""
        # Of another accuracy, or of a model that was added or removed since, each may differ.
        stamp = accuracy_stamp(self._database)
        known = self._known.get(dataset, stamp)
        if known is None:
            known = KnownKinds(dataset)
            self._known.put(dataset, stamp, known)
        return known
