"""What is known of kinds of measurements, kept while neither accuracies nor files change."""

from dataclasses import dataclass
from typing import Final

from controller.api.queries.remembering import Remembered
from controller.state.database import Database
from controller.state.measurements.kinds import Kind, KnownKinds, Told
from controller.state.measurements.stamps import Stamp, accuracy_stamp, artifact_stamp

# Beside all datasets together: each takes about 2 KB.
_MOST: Final = 10_000


class RememberedKinds:
    """Those beside the accuracy on each dataset; for several threads."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._told: Remembered[Told] = Remembered(_MOST)

    def beside(self, dataset: str) -> KnownKinds:
        """What is known of kinds as accuracies, people's models and files are now."""
        # Read before any kind is: what changes meanwhile is kept as of before, and read again.
        stamp = (*accuracy_stamp(self._database), *artifact_stamp(self._database))
        return KnownKinds(dataset, _Kept(self._told, dataset, stamp))


@dataclass(frozen=True, slots=True)
class _Kept:
    """Those beside the accuracy on one dataset, of one state."""

    told: Remembered[Told]
    dataset: str
    stamp: Stamp

    def get(self, kind: Kind) -> Told | None:
        return self.told.get((self.dataset, *kind), self.stamp)

    def put(self, kind: Kind, told: Told) -> None:
        self.told.put((self.dataset, *kind), self.stamp, told)
