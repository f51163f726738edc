"""What ranking needs of a device's measurements, in columns that the rules work on."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field, fields
from functools import lru_cache
from typing import Any, Final, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from controller.domain.measurements import Verdict
from controller.domain.rankings.limits import Criterion
from controller.domain.rankings.pages import LeftOutPlace
from models.catalog.precisions import Precision
from models.catalog.variants import WeightsKind
from protos.runtimes import Runtime

Rows: TypeAlias = npt.NDArray[np.intp]
"""Places of rows in the columns."""
Mask: TypeAlias = npt.NDArray[np.bool_]
Numbers: TypeAlias = npt.NDArray[np.float64]
Codes: TypeAlias = npt.NDArray[np.int64]

# Of other datasets, and of devices that are read whole, there are others.
_WORDS: Final = 16
_RUNTIMES: Final = {each.value: place for place, each in enumerate(Runtime)}
_PRECISIONS: Final = {each.value: place for place, each in enumerate(Precision)}
_WEIGHTS: Final = {each.value: place for place, each in enumerate(WeightsKind)}


class Kind(NamedTuple):
    """Of what a measurement is."""

    backbone: str
    series: str


@dataclass(frozen=True, slots=True, eq=False)
class Words:
    """What the codes of columns stand for: the code of each value, in their order."""

    kinds: dict[Kind, int] = field(default_factory=dict)
    runtimes: dict[str, int] = field(default_factory=lambda: dict(_RUNTIMES))
    precisions: dict[str, int] = field(default_factory=lambda: dict(_PRECISIONS))
    weights: dict[str, int] = field(default_factory=lambda: dict(_WEIGHTS))
    formats: dict[str, int] = field(default_factory=dict)
    input_sizes: dict[str, int] = field(default_factory=dict)
    distinctions: dict[Hashable, int] = field(default_factory=dict)

    def copied(self) -> "Words":
        """The same, to be added to."""
        return Words(*[dict(getattr(self, each.name)) for each in fields(self)])


class Names(NamedTuple):
    """Names of backbones, each once, which may be of several kinds.

    Attributes:
        names: in the order of their places.
        of_kind: by the code of a kind the place of its name.
    """

    names: tuple[str, ...]
    of_kind: Codes


@lru_cache(maxsize=_WORDS)
def _names(words: Words) -> Names:
    """What is nearly always the same of all devices."""
    places = {name: at for at, name in enumerate(dict.fromkeys(k.backbone for k in words.kinds))}
    of_kind = np.array([places[kind.backbone] for kind in words.kinds], dtype=np.int64)
    return Names(tuple(places), of_kind)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Columns:
    """Measurements of one device, a row each, the oldest first; what is not known is NaN.

    Attributes:
        ids: of the measurements.
        id_place: of each among them, by the alphabet.
        words: what the codes stand for.
        kind: code of the backbone that each row is of.
        thing: alike in rows that stand for each other, from 0.
        place: orders rows by what they are of: see `order_of`.
        runtime: code of the runtime.
        precision: code of the precision.
        weights: code of the kind of weights.
        format: code of the artifact's format.
        input_size: code of the size of the images.
        distinction: code of what is out of the ordinary in how it was measured.
        threads: that the runtime was told to use.
        batch: images of one inference.
        verdict: code of the verdict.
        is_emulated: whether something computed in the device's place.
        has_latency: whether there are figures.
        median_ms: median latency.
        low_ms: lower end of its interval.
        high_ms: upper end of its interval.
        p90_ms: 90th percentile.
        p99_ms: 99th percentile.
        peak_bytes: peak memory of the process that needed most.
        least_peak_bytes: of the one that needed least.
        artifact_bytes: size of the artifact.
        params_m: millions of parameters.
        top1: percent.
        made: what rules made of these columns that does not depend on limits, which change most.
    """

    ids: npt.NDArray[np.bytes_]
    id_place: Codes
    words: Words
    kind: Codes
    thing: Codes
    place: Codes
    runtime: Codes
    precision: Codes
    weights: Codes
    format: Codes
    input_size: Codes
    distinction: Codes
    threads: Codes
    batch: Codes
    verdict: Codes
    is_emulated: Mask
    has_latency: Mask
    median_ms: Numbers
    low_ms: Numbers
    high_ms: Numbers
    p90_ms: Numbers
    p99_ms: Numbers
    peak_bytes: Numbers
    least_peak_bytes: Numbers
    artifact_bytes: Numbers
    params_m: Numbers
    top1: Numbers
    made: dict[Hashable, Any] = field(default_factory=dict, init=False)

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def kinds(self) -> Sequence[Kind]:
        """The backbones that there are, by their codes."""
        return tuple(self.words.kinds)

    @property
    def names(self) -> "Names":
        """The backbones that there are, each once."""
        return _names(self.words)

    def measurement_ids(self, rows: Rows | Sequence[int]) -> list[str]:
        """Ids of rows, in their order."""
        ids: list[bytes] = self.ids[np.asarray(rows, dtype=np.intp)].tolist()
        return [str(each, "utf-8") for each in ids]

    def order_of(self, row: int) -> LeftOutPlace:
        """What `place` orders a row by, which rows of other columns have, too."""
        words = self.words
        return (
            self.kinds[self.kind[row]].backbone,
            tuple(words.runtimes)[self.runtime[row]],
            int(self.threads[row]),
            tuple(words.precisions)[self.precision[row]],
            int(self.batch[row]),
            tuple(words.weights)[self.weights[row]],
            self.measurement_ids([row])[0],
        )

    def figure(self, criterion: Criterion) -> Numbers:
        """What a limit of a criterion is held against, as `limits.figure_of` has it."""
        found: Numbers = getattr(self, _OF_CRITERION[criterion])
        return found

    @property
    def has_memory(self) -> Mask:
        """Whether it is known how much memory it took."""
        return ~np.isnan(self.peak_bytes)

    @property
    def gains(self) -> Numbers:
        """Top-1, percent; below everything where it is not known."""
        return np.where(np.isnan(self.top1), -np.inf, self.top1)

    @property
    def memory(self) -> tuple[Numbers, Numbers]:
        """The least and the most that its processes needed, bytes; no end where unknown."""
        peak = np.where(self.has_memory, self.peak_bytes, np.inf)
        return np.where(np.isnan(self.least_peak_bytes), peak, self.least_peak_bytes), peak

    def are_of(
        self, *, runtime: Runtime | None, threads: int | None, precision: Precision | None
    ) -> Rows:
        """Rows of these; None is any."""
        are_these = np.ones(len(self), dtype=bool)
        if runtime is not None:
            are_these &= self.runtime == _RUNTIMES[runtime.value]
        if threads is not None:
            are_these &= self.threads == threads
        if precision is not None:
            are_these &= self.precision == _PRECISIONS[precision.value]
        return np.flatnonzero(are_these)

    def backbones(self, rows: Rows) -> set[str]:
        """Names of the backbones that rows are of."""
        kinds = self.kinds
        return {kinds[code].backbone for code in _present(self.kind[rows])}

    def weights_in(self, rows: Rows) -> set[WeightsKind]:
        """Kinds of weights that rows are of."""
        kinds = tuple(WeightsKind)
        return {kinds[code] for code in _present(self.weights[rows])}

    def verdicts_in(self, rows: Rows) -> set[Verdict]:
        """Verdicts that rows have."""
        verdicts = tuple(Verdict)
        return {verdicts[code] for code in _present(self.verdict[rows])}


def _present(codes: Codes) -> list[int]:
    """The codes that there are."""
    found: list[int] = np.flatnonzero(np.bincount(codes)).tolist()
    return found


_OF_CRITERION: Final = {
    Criterion.LATENCY: "high_ms",
    Criterion.P90: "p90_ms",
    Criterion.P99: "p99_ms",
    Criterion.MEMORY: "peak_bytes",
    Criterion.ARTIFACT_SIZE: "artifact_bytes",
    Criterion.PARAMS: "params_m",
    Criterion.TOP1: "top1",
}
