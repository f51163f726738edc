"""The form for a new sweep, read."""

from collections.abc import Iterable
from typing import Final

from controller.domain.errors import EdgerankError, ErrorCode
from controller.domain.names import find_choice, meant_by
from controller.domain.sweeps import (
    DEFAULT_FEWEST_REPETITIONS,
    DEFAULT_GATE,
    DEFAULT_MOST_REPETITIONS,
    DEFAULT_RELATIVE_HALF_WIDTH,
    DEFAULT_TIME_BUDGET_MS,
    SweepSpec,
)
from models.catalog.catalog import Backbone, Catalog
from models.catalog.precisions import Precision
from models.catalog.variants import WeightsKind
from protos.runtimes import Runtime

FIELDS: Final = (
    "models",
    "devices",
    "runtimes",
    "threads",
    "precisions",
    "weights",
    "name",
    "fresh",
)
"""Of the form, as they stand in its address."""
_MOST_WORDS: Final = 500


def joined_fields(asked: Iterable[tuple[str, str]]) -> dict[str, str]:
    """The fields of the form; what was ticked several times is joined by commas."""
    found: dict[str, list[str]] = {}
    for name, text in asked:
        if name in FIELDS and text.strip():
            found.setdefault(name, []).append(text.strip())
    return {name: ",".join(texts) for name, texts in found.items()}


def read_sweep(asked: dict[str, str], catalog: Catalog) -> SweepSpec:
    """The sweep that a form asks for; the rest as on the command line.

    Raises:
        EdgerankError: UNKNOWN_NAME for a word that means nothing, INVALID_INPUT for no number, or
            too many words.
    """
    chosen: dict[str, Backbone] = {}
    words = _list(asked, "models")
    if len(words) > _MOST_WORDS:
        # Each may be a pattern, which is held against the whole catalog.
        raise EdgerankError(
            ErrorCode.INVALID_INPUT,
            f"{len(words)} backbones are named, and at most {_MOST_WORDS} can be; write patterns, "
            "as MobileNetV3*",
        )
    for word in words:
        chosen.update((each.name, each) for each in meant_by(word, catalog))
    if not chosen:
        raise EdgerankError(
            ErrorCode.INVALID_INPUT, "no backbone is named; write one, as MobileNetV3*"
        )
    runtimes = (find_choice(Runtime, "runtime", each) for each in _list(asked, "runtimes"))
    precisions = (find_choice(Precision, "precision", each) for each in _list(asked, "precisions"))
    weights = asked.get("weights", WeightsKind.PRETRAINED.value)
    return SweepSpec(
        backbones=tuple(chosen),
        devices=tuple(_list(asked, "devices")),
        runtimes=tuple(dict.fromkeys(runtimes)),
        threads=tuple(dict.fromkeys(map(_count, _list(asked, "threads") or ["1"]))),
        weights=find_choice(WeightsKind, "kind of weights", weights),
        fewest_repetitions=DEFAULT_FEWEST_REPETITIONS,
        most_repetitions=DEFAULT_MOST_REPETITIONS,
        relative_half_width=DEFAULT_RELATIVE_HALF_WIDTH,
        time_budget_ms=DEFAULT_TIME_BUDGET_MS,
        precisions=tuple(dict.fromkeys(precisions)),
        gate=DEFAULT_GATE,
        name=asked.get("name", ""),
        fresh=bool(asked.get("fresh")),
    )


def _list(asked: dict[str, str], name: str) -> list[str]:
    parts = (part.strip() for part in asked.get(name, "").split(","))
    return list(dict.fromkeys(filter(None, parts)))


def _count(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) <= 4):
        raise EdgerankError(
            ErrorCode.INVALID_INPUT, f"{text[:20]!r} is no number of threads; write 1 or 1,4"
        )
    return int(text)
