"""Columns of a device's measurements: made of tables, or of rows and what candidates are."""

from collections.abc import Collection, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from controller.domain.rankings.figure_rows import VERDICT_CODES
from controller.domain.rankings.rows import ACCELERATORS, TIMES, CandidateTable, FigureTable
from controller.ranking.distinction import distinction_of
from controller.ranking.entries.columns import Codes, Columns, Kind, Numbers, Words
from models.catalog.variants import Target

NOT_KNOWN: Final = -1
NOT_ASKED: Final = -2
# Rows that are alike in all of these stand for each other.
_ALIKE: Final = (
    *("kind", "weights", "precision", "runtime", "threads", "batch"),
    *("format", "input_size", "distinction"),
)


@dataclass(frozen=True, slots=True, eq=False)
class Things:
    """What candidates are, in columns: found out once for all devices that measured them.

    Attributes:
        row_of: by a candidate's id its row; `NOT_KNOWN`, or `NOT_ASKED` of a sentinel.
        own: columns of `Columns` by their names.
        words: what the codes stand for.
        thing: alike in rows that stand for each other, from 0.
        order: of each row by what it is of; alike ones have the same.
    """

    row_of: Codes
    own: Mapping[str, npt.NDArray[Any]]
    words: Words
    thing: Codes
    order: Codes

    def lacking(self, candidate_ids: Codes) -> Codes:
        """Candidates of which nothing is known."""
        known = candidate_ids[candidate_ids < len(self.row_of)]
        if len(known) == len(candidate_ids) and (self.row_of[known] != NOT_KNOWN).all():
            return candidate_ids[:0]
        told = known[self.row_of[known] != NOT_KNOWN]
        return np.setdiff1d(candidate_ids, told)


def things_of(
    table: CandidateTable, candidate_ids: Sequence[int], sentinels: Sequence[int] = ()
) -> Things:
    """Put what candidates are into columns.

    Args:
        table: of them.
        candidate_ids: of each, from 0.
        sentinels: ids of candidates that nobody asked for.
    """
    words = Words()
    own = _coded(table, words)
    row_of = np.full(max((*candidate_ids, *sentinels), default=-1) + 1, NOT_KNOWN, dtype=np.int64)
    row_of[list(sentinels)] = NOT_ASKED
    row_of[list(candidate_ids)] = np.arange(len(candidate_ids))
    return Things(row_of=row_of, own=own, words=words, thing=_things(own), order=_order(own, words))


def columns_of_rows(rows: npt.NDArray[np.void], things: Things, *, is_emulated: bool) -> Columns:
    """Put a device's measurements into columns, those of sentinels left out.

    Args:
        rows: of `FIGURE_ROW`, the oldest first.
        things: what all of their candidates are.
        is_emulated: whether something computes in the device's place.
    """
    at = things.row_of[rows["candidate_id"]]
    is_asked = at >= 0
    if not is_asked.all():
        rows, at = rows[is_asked], at[is_asked]
    figures = {name: np.ascontiguousarray(rows[name]) for name in (*TIMES, "verdict", "id_place")}
    return Columns(
        **{name: column[at] for name, column in things.own.items()},
        **figures,
        ids=np.ascontiguousarray(rows["measurement_id"]),
        thing=things.thing[at],
        place=things.order[at] * len(is_asked) + figures["id_place"],
        is_emulated=np.full(len(at), is_emulated),
        has_latency=~np.isnan(figures["median_ms"]),
        peak_bytes=np.ascontiguousarray(rows["peak_rss_bytes"]),
        least_peak_bytes=np.ascontiguousarray(rows["least_peak_rss_bytes"]),
        words=things.words,
    )


def columns_of(table: FigureTable, behind: Columns | None = None) -> Columns:
    """Put what is known of a device's measurements into columns of numbers.

    Args:
        table: of a device.
        behind: of the same device, what is newer.
    """
    # Known codes keep their meaning.
    words = Words() if behind is None else behind.words.copied()
    own = _coded(table, words) | _figures(table)
    if behind is not None:
        own = {name: np.concatenate([each, getattr(behind, name)]) for name, each in own.items()}
    id_place = _id_places(own["ids"])
    return Columns(
        **own,
        id_place=id_place,
        thing=_things(own),
        place=_order(own, words) * len(id_place) + id_place,
        has_latency=~np.isnan(own["median_ms"]),
        words=words,
    )


def _coded(table: CandidateTable, words: Words) -> dict[str, npt.NDArray[Any]]:
    """Columns of what is measured; what has no code yet is put into the words."""
    return {
        "kind": _kinds(table, words.kinds),
        "runtime": _codes(table.runtime, words.runtimes),
        "precision": _codes(table.precision, words.precisions),
        "weights": _codes(table.weights, words.weights),
        "format": _codes(table.format, words.formats),
        "input_size": _codes(table.input_size, words.input_sizes),
        "distinction": _distinctions(table, words.distinctions),
        "threads": np.array(table.threads, dtype=np.int64),
        "batch": np.array(table.batch, dtype=np.int64),
        "artifact_bytes": _numbers(table.artifact_size_bytes),
        "params_m": _numbers(table.params_m),
        "top1": _numbers(table.top1),
    }


def _figures(table: FigureTable) -> dict[str, npt.NDArray[Any]]:
    return {
        "ids": np.array([each.encode() for each in table.measurement_id], dtype=bytes),
        "verdict": _looked_up(table.verdict, VERDICT_CODES),
        "is_emulated": np.array(table.is_emulated, dtype=bool),
        **{name: _numbers(getattr(table, name)) for name in TIMES},
        "peak_bytes": _numbers(table.peak_rss_bytes),
        "least_peak_bytes": _numbers(table.least_peak_rss_bytes),
    }


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


def _kinds(table: CandidateTable, known: dict[Kind, int]) -> Codes:
    pairs = list(zip(table.backbone, table.series, strict=True))
    code_of = {each: known.setdefault(Kind(*each), len(known)) for each in dict.fromkeys(pairs)}
    return _looked_up(pairs, code_of)


def _distinctions(table: CandidateTable, known: dict[Hashable, int]) -> Codes:
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


def _things(own: Mapping[str, npt.NDArray[Any]]) -> Codes:
    return _combined([own[name] for name in _ALIKE])


def _order(own: Mapping[str, npt.NDArray[Any]], words: Words) -> Codes:
    names = _ranks([each.backbone for each in words.kinds])
    return _combined(
        [
            names[own["kind"]],
            _ranks(words.runtimes)[own["runtime"]],
            own["threads"],
            _ranks(words.precisions)[own["precision"]],
            own["batch"],
            _ranks(words.weights)[own["weights"]],
        ]
    )


def _combined(columns: Iterable[Codes]) -> Codes:
    """A number for each combination that there is, from 0, in the order of the first columns."""
    found = None
    for each in columns:
        both = each if found is None else found * (int(each.max(initial=0)) + 2) + each
        # After each: so they stay small.
        found = np.unique(both, return_inverse=True)[1].astype(np.int64)
    assert found is not None
    return found


def _id_places(ids: npt.NDArray[np.bytes_]) -> Codes:
    places = np.empty(len(ids), dtype=np.int64)
    places[np.argsort(ids)] = np.arange(len(ids))
    return places


def _ranks(texts: Collection[str]) -> Codes:
    """The place of each text among all that there are, by the alphabet."""
    known = {text: place for place, text in enumerate(sorted(set(texts)))}
    return np.array([known[text] for text in texts], dtype=np.int64)
