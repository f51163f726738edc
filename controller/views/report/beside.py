"""What was not measured, drawn apart from what was: predictions and what others published."""

from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Final

from controller.domain.quantities import format_latency, format_number
from controller.domain.rankings import Candidate, Ranking
from controller.domain.rankings.beside import (
    PredictedBeside,
    PredictedCandidate,
    Prospect,
    PublishedBeside,
    PublishedCandidate,
    RankingBeside,
)
from controller.domain.rankings.limits import Criterion
from controller.domain.rankings.predicted import DevicePredictions
from controller.domain.rankings.reference import DeviceReference
from controller.views.counting import counted
from controller.views.reasons.limits import CRITERIA
from controller.views.reasons.predicting import (
    earlier_words,
    errors_words,
    latency_words,
    memory_words,
    rests_words,
    setting_words,
)
from controller.views.report.parts import Heading, Part, Table
from controller.views.report.reference import published_setting
from controller.views.sweeps.commands import sweep_command
from models.catalog.catalog import Catalog

_PROSPECTS: Final[Mapping[Prospect, str]] = MappingProxyType(
    {
        Prospect.WINNER: "would win",
        Prospect.FRONT: "would be on the front",
        Prospect.PERHAPS: "perhaps, by its interval",
    }
)

_MOST_NAMED: Final = 6


class Beside:
    """Sets what was not measured beside a ranking, as far as it might be better."""

    def __init__(self, ranking: Ranking, front: Sequence[Candidate], catalog: Catalog) -> None:
        """Remembers what is measured.

        Args:
            ranking: of what was measured, by the accuracy on ImageNet.
            front: of top-1 and median latency, whatever front the ranking has.
            catalog: where accuracy is looked up.
        """
        # It computes with arrays, which who asks for less does not load.
        from controller.ranking.standing import unmeasured  # noqa: PLC0415

        self._unmeasured = unmeasured
        self._ranking, self._front, self._catalog = ranking, front, catalog

    def predicted(self, told: DevicePredictions) -> PredictedBeside:
        """What is predicted to be better, or perhaps."""
        return self._unmeasured.predicted_beside(self._ranking, self._front, told, self._catalog)

    def published(self, told: DeviceReference | None) -> PublishedBeside:
        """What others published that would be better; None is that nobody published of it."""
        return self._unmeasured.published_beside(self._ranking, self._front, told, self._catalog)


def beside_parts(answer: RankingBeside) -> Iterator[Part]:
    """Give a part for the predictions and one for the published figures, where asked for."""
    if answer.predicted is not None:
        yield _predicted_part(answer.ranking, answer.predicted)
    if answer.published is not None:
        yield _published_part(answer.ranking, answer.published)


def _predicted_part(ranking: Ranking, told: PredictedBeside) -> Part:
    command = told.suggested_sweep
    return Part(
        heading="Predicted, not measured: what else might be better",
        sentences=(*_found(told), *_unheld(told.unheld)),
        table=_table_of_predicted(told.candidates) if told.candidates else None,
        points=(*_basis(told), *_next(told)),
        command="" if command is None else sweep_command(command, ranking.constraints),
    )


def _found(told: PredictedBeside) -> Iterator[str]:
    if told.candidates:
        shown = _shown(told.candidate_count, len(told.candidates))
        yield (
            f"{shown}, ahead of what is measured if they are so; {told.confidence:.0%} of later "
            "measurements are to be within these intervals."
        )
    elif told.suggested_sweep is not None:
        yield "Too little is measured on this device to predict anything."
    else:
        yield "Of what can be predicted nothing is within the limits and ahead of what is measured."


def _table_of_predicted(candidates: Sequence[PredictedCandidate]) -> Table:
    headings = (
        Heading("predicted"),
        Heading("top-1 %", is_right=True),
        Heading("latency", is_right=True),
        Heading("interval", is_right=True),
        Heading("memory", is_right=True),
        Heading("if measured so"),
    )
    rows = tuple(
        (
            f"{each.backbone} ({each.runtime.value}, {each.threads})",
            _top1(each.top1),
            *latency_words(each.latency_ms),
            memory_words(each.peak_rss_bytes)[0],
            _PROSPECTS[each.prospect],
        )
        for each in candidates
    )
    return Table(headings, rows)


def _basis(told: PredictedBeside) -> Iterator[str]:
    for each in told.rests_on:
        words = (rests_words(each, most_named=_MOST_NAMED), *errors_words(each))
        if each.earlier_errors is not None:
            words = (*words, earlier_words(each.earlier_errors))
        yield f"{setting_words(each)}: {'; '.join(words)}"


def _next(told: PredictedBeside) -> Iterator[str]:
    if told.suggested_sweep is not None:
        yield "this would measure them:" if told.candidates else "this would make it possible:"


def _published_part(ranking: Ranking, told: PublishedBeside) -> Part:
    if not told.published_devices:
        found = (
            f"Nobody published figures of {ranking.device}'s chip, as far as its profile names it; "
            "'edgerank reference --as' sets it beside a device that you name."
        )
    elif not told.candidates:
        found = (
            f"Nothing published of {', '.join(told.published_devices)} is within the limits and "
            "ahead of what is measured, or it was measured in the same setting."
        )
    else:
        found = (
            f"{_shown(told.candidate_count, len(told.candidates))}, ahead of what is measured if "
            "they are so here; each figure is one number of another specimen, in its own setting."
        )
    return Part(
        heading="Published by others, not measured here",
        sentences=(found, *_unheld(told.unheld)),
        table=_table_of_published(told.candidates) if told.candidates else None,
        points=tuple(
            f"source: {each}" for each in sorted({c.published.source for c in told.candidates})
        ),
    )


def _table_of_published(candidates: Sequence[PublishedCandidate]) -> Table:
    headings = (
        Heading("published"),
        Heading("fp32 top-1 %", is_right=True),
        Heading("latency", is_right=True),
        Heading("if measured so"),
    )
    rows = tuple(
        (
            f"{each.published.backbone} ({each.published.device}: "
            f"{published_setting(each.published)})",
            _top1(each.fp32_top1),
            format_latency(each.published.latency_ms),
            _PROSPECTS[each.prospect],
        )
        for each in candidates
    )
    return Table(headings, rows)


def _unheld(criteria: Sequence[Criterion]) -> Iterator[str]:
    if criteria:
        named = ", ".join(CRITERIA[each] for each in criteria)
        yield f"Nothing here tells of {named}: only a measurement can be held against that limit."


def _shown(count: int, shown: int) -> str:
    told = counted(count, "backbone")
    return told if shown == count else f"{told}, the first {shown} shown"


def _top1(top1: float | None) -> str:
    return "-" if top1 is None else format_number(top1)
