"""What ranking needs of a device's measurements, in columns that the rules work on."""

from collections.abc import Collection, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any, Final, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from controller.domain.measurements import Verdict
from controller.domain.rankings.limits import Criterion
from controller.domain.rankings.rows import ACCELERATORS, TIMES, FigureTable
from controller.ranking.distinction import distinction_of
from models.catalog.precisions import Precision
from models.catalog.variants import Target, WeightsKind
from protos.runtimes import Runtime

Rows: TypeAlias = npt.NDArray[np.intp]
"""Places of rows in the columns."""
Mask: TypeAlias = npt.NDArray[np.bool_]
Numbers: TypeAlias = npt.NDArray[np.float64]
Codes: TypeAlias = npt.NDArray[np.int64]

VERDICTS: Final = {each.value: place for place, each in enumerate(Verdict)}
"""The code of each verdict."""
_RUNTIMES: Final = {each.value: place for place, each in enumerate(Runtime)}
_PRECISIONS: Final = {each.value: place for place, each in enumerate(Precision)}
_WEIGHTS: Final = {each.value: place for place, each in enumerate(WeightsKind)}
# Rows that are alike in all of these stand for each other.
_ALIKE: Final = (
    *("kind", "weights", "precision", "runtime", "threads", "batch"),
    *("format", "input_size", "distinction"),
)


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


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Columns:
    """Measurements of one device, a row each, the oldest first; what is not known is NaN.

    Attributes:
        ids: of the measurements.
        id_place: of each among them, by the alphabet.
        words: what the codes stand for.
        kind: code of the backbone that each row is of.
        thing: alike in rows that stand for each other, from 0.
        place: of each row in a fixed order, by what it is of: see `order_of`.
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

    ids: npt.NDArray[np.object_]
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


def columns_of(table: FigureTable, behind: Columns | None = None) -> Columns:
    """Put what is known of a device's measurements into columns of numbers.

    Args:
        table: of a device.
        behind: of the same device, what is newer.
    """
    own, words = _coded(table, None if behind is None else behind.words)
    return _made(_joined(own, behind), words)


def renewed(before: Columns, table: FigureTable, ids: Sequence[str]) -> Columns:
    """The columns of a device as it stands now.

    Args:
        before: those of before, some of which may not count any more.
        table: what was measured since.
        ids: measurements that count now, in their order; what is in neither is left out.
    """
    own, words = _coded(table, before.words)
    both = _joined(own, before)
    row_of = {each: row for row, each in enumerate(both["ids"].tolist())}
    rows = np.array([row_of[each] for each in ids if each in row_of], dtype=np.intp)
    return _made({name: column[rows] for name, column in both.items()}, words)


def _coded(table: FigureTable, known: Words | None) -> tuple[dict[str, npt.NDArray[Any]], Words]:
    """Columns of a table, and what their codes stand for; known ones keep their meaning."""
    words = Words() if known is None else known.copied()
    ids = np.empty(len(table.threads), dtype=object)
    ids[:] = table.measurement_id
    own: dict[str, npt.NDArray[Any]] = {
        "ids": ids,
        "kind": _kinds(table, words.kinds),
        "runtime": _codes(table.runtime, words.runtimes),
        "precision": _codes(table.precision, words.precisions),
        "weights": _codes(table.weights, words.weights),
        "format": _codes(table.format, words.formats),
        "input_size": _codes(table.input_size, words.input_sizes),
        "distinction": _distinctions(table, words.distinctions),
        "threads": np.array(table.threads, dtype=np.int64),
        "batch": np.array(table.batch, dtype=np.int64),
        "verdict": _codes(table.verdict, dict(VERDICTS)),
        "is_emulated": np.array(table.is_emulated, dtype=bool),
        **{name: _numbers(getattr(table, name)) for name in TIMES},
        "peak_bytes": _numbers(table.peak_rss_bytes),
        "least_peak_bytes": _numbers(table.least_peak_rss_bytes),
        "artifact_bytes": _numbers(table.artifact_size_bytes),
        "params_m": _numbers(table.params_m),
        "top1": _numbers(table.top1),
    }
    return own, words


def _joined(
    own: Mapping[str, npt.NDArray[Any]], behind: Columns | None
) -> Mapping[str, npt.NDArray[Any]]:
    if behind is None:
        return own
    return {name: np.concatenate([each, getattr(behind, name)]) for name, each in own.items()}


def _made(own: Mapping[str, npt.NDArray[Any]], words: Words) -> Columns:
    """Add what is told by all rows together."""
    id_place = _ranks(own["ids"].tolist())
    return Columns(
        **own,
        id_place=id_place,
        thing=_alike([own[name] for name in _ALIKE]),
        place=_places(own, words, id_place),
        has_latency=~np.isnan(own["median_ms"]),
        words=words,
    )


def alike_codes(values: Iterable[object]) -> Codes:
    """Number values, equal ones alike, in the order in which they come first."""
    return _codes(list(values), {})


def _codes(values: Sequence[Any], known: dict[Any, int]) -> Codes:
    """The number of each value; what is not known yet is numbered on."""
    for each in dict.fromkeys(values):
        known.setdefault(each, len(known))
    return _looked_up(values, known)


def _looked_up(values: Sequence[Any], codes: Mapping[Any, int]) -> Codes:
    return np.fromiter(map(codes.__getitem__, values), dtype=np.int64, count=len(values))


def _numbers(values: Iterable[float | None]) -> Numbers:
    return np.array(values, dtype=float)


def _kinds(table: FigureTable, known: dict[Kind, int]) -> Codes:
    pairs = list(zip(table.backbone, table.series, strict=True))
    code_of = {each: known.setdefault(Kind(*each), len(known)) for each in dict.fromkeys(pairs)}
    return _looked_up(pairs, code_of)


def _distinctions(table: FigureTable, known: dict[Hashable, int]) -> Codes:
    """What is out of the ordinary in each; many rows share their settings."""
    ids = list(map(id, table.settings))
    settings = dict(zip(ids, table.settings, strict=True))
    pairs = list(zip(ids, table.target, strict=True))
    code_of = {}
    for pair in dict.fromkeys(pairs):
        accelerator = Target(pair[1]) if pair[1] in ACCELERATORS else None
        distinct = distinction_of(settings[pair[0]], accelerator)
        code_of[pair] = known.setdefault(distinct, len(known))
    return _looked_up(pairs, code_of)


def _alike(columns: Iterable[Codes]) -> Codes:
    """A number for each combination that there is, from 0."""
    found = None
    for each in columns:
        both = each if found is None else found * (int(each.max(initial=0)) + 2) + each
        # After each: so they stay small.
        found = np.unique(both, return_inverse=True)[1].astype(np.int64)
    assert found is not None
    return found


def _places(of: Mapping[str, npt.NDArray[Any]], words: "Words", id_place: Codes) -> Codes:
    names = _ranks([each.backbone for each in words.kinds])
    ordered = np.lexsort(
        (
            id_place,
            _ranks(words.weights)[of["weights"]],
            of["batch"],
            _ranks(words.precisions)[of["precision"]],
            of["threads"],
            _ranks(words.runtimes)[of["runtime"]],
            names[of["kind"]],
        )
    )
    places = np.empty(len(ordered), dtype=np.int64)
    places[ordered] = np.arange(len(ordered))
    return places


def _ranks(texts: Collection[str]) -> Codes:
    """The place of each text among all that there are, by the alphabet."""
    known = {text: place for place, text in enumerate(sorted(set(texts)))}
    return np.array([known[text] for text in texts], dtype=np.int64)
