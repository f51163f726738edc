"""A ranking as a report's parts, for Markdown."""

from collections.abc import Iterator

from controller.domain.devices import Device
from controller.domain.measurements import Measurement
from controller.domain.rankings import Candidate, Ranking
from controller.views import wording
from controller.views.counting import day
from controller.views.device_words import surroundings_words
from controller.views.reasons import sentences
from controller.views.report.parts import Heading, Part, Table
from controller.views.sweeps.commands import sweep_command
from controller.views.sweeps.words import unmeasured_words

_FIGURES = (
    Heading("backbone"),
    Heading("ran with"),
    Heading("weights"),
    Heading("top-1 %", is_right=True),
    Heading("median [95 % interval]", is_right=True),
    Heading("memory", is_right=True),
    Heading("verdict"),
)


def ranking_parts(ranking: Ranking, device: Device) -> Iterator[Part]:
    """Give the report's parts: the answer, the front, ties, why others lost, what is left out."""
    names = wording.names_of(ranking)
    yield Part(
        heading=wording.headline(ranking),
        sentences=(
            *surroundings_words(device.profile),
            *((wording.winning_rule(ranking),) if ranking.winner else ()),
        ),
        points=tuple(
            f"{name}: {_named(measurement)}" for name, measurement in wording.other_answers(ranking)
        ),
    )
    if ranking.pareto_front:
        yield _figures_part("Pareto front, fastest first", ranking.pareto_front)
    if ranking.ties:
        yield _figures_part("Cannot be told apart from the winner", ranking.ties)
    if ranking.others:
        yield Part(
            heading="The others",
            table=Table(
                (*_FIGURES, Heading("why")),
                tuple((*_row(c), sentences(c.lost_because, names)) for c in ranking.others),
            ),
        )
    if ranking.left_out:
        yield Part(
            heading="Left out",
            points=tuple(
                f"{wording.candidate_name(left.measurement)}: {wording.left_out_words(left)}"
                for left in ranking.left_out
            ),
        )
    if ranking.unmeasured or ranking.suggested_sweep:
        sweep = ranking.suggested_sweep
        yield Part(
            heading="Not measured here",
            sentences=(unmeasured_words(ranking.unmeasured),) if ranking.unmeasured else (),
            command="" if sweep is None else sweep_command(sweep, ranking.constraints),
        )
    shown = list(wording.with_held_back(ranking))
    if shown:
        moments = [candidate.measurement.measured_at_unix_ms for candidate in shown]
        yield Part(
            heading="Notes",
            sentences=(f"Measured {day(min(moments))} to {day(max(moments))}.",),
            points=tuple(wording.notes(shown)),
        )


def _figures_part(heading: str, candidates: tuple[Candidate, ...]) -> Part:
    return Part(heading=heading, table=Table(_FIGURES, tuple(map(_row, candidates))))


def _row(candidate: Candidate) -> tuple[str, ...]:
    measurement = candidate.measurement
    return (
        measurement.backbone,
        wording.setting(measurement),
        measurement.weights.value,
        wording.top1_words(measurement),
        wording.latency_words(measurement),
        wording.memory_words(measurement) or "unknown",
        measurement.verdict.value,
    )


def _named(measurement: Measurement) -> str:
    told = (wording.top1_figure(measurement), wording.latency_words(measurement))
    return f"{wording.candidate_name(measurement)}, {', '.join(told)}"
