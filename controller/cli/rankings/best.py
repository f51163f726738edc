"""`edgerank best`: which backbone is best on a device, and on many."""

from dataclasses import dataclass, replace

import click
from rich.console import Console

from controller.cli.options.asking import controller_option, json_option
from controller.cli.options.failures import says_failures
from controller.cli.options.grouping import GroupedCommand, option_group
from controller.cli.options.ranking import (
    AnswerShape,
    RankedFigures,
    Where,
    answer_options,
    constraint_options,
    of_figures,
    ranked_options,
    where_options,
)
from controller.cli.printing.documents import print_json
from controller.cli.printing.rankings.device import print_ranking
from controller.cli.printing.rankings.fleet import print_each_device, print_fleet_ranking
from controller.cli.printing.rankings.parts import print_parts_below
from controller.client import QueryClient, ReportClient
from controller.domain.errors import EdgerankError, ErrorCode
from controller.domain.rankings import FIRST_LISTED, Constraints, Ranking
from controller.domain.rankings.beside import PublishedBeside, RankingBeside
from controller.domain.rankings.fleet import FleetQuestion
from controller.domain.rankings.predicted import PredictQuestion
from controller.domain.rankings.reference import ReferenceQuestion
from controller.views import wording
from controller.views.device_words import surroundings_words
from controller.views.fleet_words import why_none_words
from controller.views.reasons.limits import uncertain_words
from controller.views.report.beside import Beside, beside_parts
from models.catalog.catalog import IMAGENET
from protos.reasons import ReasonCode


@dataclass(frozen=True, kw_only=True)
class _Included:
    """Which figures that were not measured stand below the answer."""

    include_predicted: bool
    include_published: bool

    @property
    def is_any(self) -> bool:
        return self.include_predicted or self.include_published


included_options = option_group(
    "Not measured, drawn apart",
    "included",
    _Included,
    click.option(
        "--include-predicted",
        is_flag=True,
        help="Tell what else might be better by its predicted figures, and what would measure it.",
    ),
    click.option(
        "--include-published",
        is_flag=True,
        help="Tell what else might be better by figures that others published of such a device.",
    ),
)


@click.command(cls=GroupedCommand)
@where_options
@ranked_options
@constraint_options
@click.option(
    "--all",
    "lists_all",
    is_flag=True,
    help=f"List every candidate that lost and all that is left out, not the first {FIRST_LISTED}.",
)
@answer_options
@included_options
@controller_option
@json_option
@says_failures
def best(
    *,
    where: Where,
    ranked: RankedFigures,
    constraints: Constraints,
    lists_all: bool,
    shape: AnswerShape,
    included: _Included,
    address: str,
    as_json: bool,
) -> None:
    """Say which backbone is best on a device, or on many.

    Names the winner, the Pareto front, ties, and why the others lost. Within --max-latency or
    --max-memory the most accurate wins, with --min-top1 alone the fastest; without any of these the
    best value, the front's knee, and the most accurate and the fastest are named beside it. A wide
    interval counts, and ties grow with it; a disturbed or throttled figure counts where there is
    nothing better of the same setting, and is marked. --only ok is the strict reading. Figures of
    an emulated device are those of another CPU: they are left out without --include-emulated.

    With --fleet the winner satisfies the constraints on every device that has figures, in the
    setting that is best there, and loses the least where it loses the most beside that device's
    own best; who loses the least on average is told, too.

    A place is a range where intervals overlap. With --confidence the winner is named only if it is
    surely the first at that confidence, of all candidates together; else everybody that may be.

    What was not measured is never ranked. With --include-predicted and --include-published it
    stands in tables of its own below the answer, with all that it rests on.

    Exit code 3 when no measured candidate satisfies them, with what each limit excludes and the
    nearest miss; a sweep that could is named. Likewise where nobody is surely the first.

    \b
    Examples:
      edgerank best --device phone --max-latency 20ms
      edgerank best --device board --min-top1 75 --max-memory 80MB --runtime onnxruntime --threads 1
      edgerank best --device pc --tier mobile --json
      edgerank best --device pc --max-p99 30ms --max-artifact 20MB --series MobileNetV3,PPLCNet
      edgerank best --device pc --by latency --confidence 95
      edgerank best --device pc --front latency,top1,memory
      edgerank best --device pc --only ok,wide
      edgerank best --device phone --accuracy flowers
      edgerank best --device phone --at-minute 10
      edgerank best --each-device --max-latency 20ms
      edgerank best --fleet --devices room=lab --share phone=3
      edgerank best --device phone --paced 30fps --max-latency 33ms
      edgerank best --device board --max-latency 20ms --include-predicted --include-published
    """
    _check_question(where, ranked, shape, included)
    wanted = replace(
        of_figures(constraints, ranked), confidence=shape.confidence, front=shape.front
    )
    with QueryClient(address) as client:
        if where.device is None:
            _answer_fleet(client, where, wanted, ranked.accuracy_dataset, as_json=as_json)
        else:
            most = None if lists_all else FIRST_LISTED
            ranking = client.rank(where.device, wanted, ranked.accuracy_dataset, most_listed=most)
            _answer(client, address, ranking, included, as_json=as_json)


def _check_question(
    where: Where, ranked: RankedFigures, shape: AnswerShape, included: _Included
) -> None:
    if where.device is None and (shape.confidence is not None or shape.front):
        raise click.UsageError("--confidence and --front go with --device")
    if not included.is_any:
        return
    if where.device is None:
        raise click.UsageError("--include-predicted and --include-published go with --device")
    if ranked.at_minute is not None or ranked.paced_fps is not None:
        raise click.UsageError(
            "what is predicted or published is of inference back to back: ask without --at-minute "
            "and --paced"
        )
    if ranked.accuracy_dataset != IMAGENET:
        raise click.UsageError(
            "what is predicted or published stands beside the accuracy on ImageNet: ask without "
            "--accuracy"
        )


def _with_unmeasured(
    client: QueryClient, address: str, ranking: Ranking, included: _Included
) -> RankingBeside:
    """The ranking, and apart from it what might be better and was not measured."""
    front = ranking.pareto_front
    if ranking.constraints.front:
        plain = replace(ranking.constraints, front=(), confidence=None, by=ranking.merit)
        front = client.rank(ranking.device, plain, most_listed=0).pareto_front
    beside = Beside(ranking, front, client.catalog())
    answer = RankingBeside(ranking=ranking)
    if included.include_predicted:
        with Console(stderr=True).status("Predicting ..."):
            told = client.predict(PredictQuestion(device=ranking.device))
        answer = replace(answer, predicted=beside.predicted(told))
    if included.include_published:
        answer = replace(answer, published=_published(beside, address, ranking.device))
    return answer


def _published(beside: Beside, address: str, device: str) -> PublishedBeside:
    with ReportClient(address) as client:
        found = client.reference(ReferenceQuestion(devices=(device,)))
    return beside.published(found.devices[0] if found.devices else None)


def _answer(
    client: QueryClient, address: str, ranking: Ranking, included: _Included, *, as_json: bool
) -> None:
    beside = _with_unmeasured(client, address, ranking, included) if included.is_any else None
    if as_json:
        print_json(ranking if beside is None else beside)
    else:
        profile = client.measured_device(ranking.device).profile
        print_ranking(Console(), ranking, surroundings_words(profile))
        if beside is not None:
            print_parts_below(Console(), beside_parts(beside))
    if ranking.winner is None:
        raise EdgerankError(ErrorCode.NOTHING_FOUND, _why_none(ranking))
    if ranking.certainty is not None and not ranking.certainty.is_sure:
        raise EdgerankError(ErrorCode.NOTHING_FOUND, uncertain_words(ranking.certainty))


def _answer_fleet(
    client: QueryClient, where: Where, wanted: Constraints, dataset: str, *, as_json: bool
) -> None:
    question = FleetQuestion(
        devices=where.devices,
        constraints=wanted,
        accuracy_dataset=dataset,
        shares=where.shares,
        # Device by device nothing is shown of what is good for all of them.
        most_listed=None if as_json or where.is_fleet else 0,
    )
    ranking = client.rank_fleet(question)
    if as_json:
        print_json(ranking)
    elif where.is_fleet:
        print_fleet_ranking(Console(), ranking)
    else:
        print_each_device(Console(), ranking)
    is_answered = ranking.least_worst if where.is_fleet else any(p.best for p in ranking.places)
    if not is_answered:
        raise EdgerankError(ErrorCode.NOTHING_FOUND, why_none_words(ranking))


def _why_none(ranking: Ranking) -> str:
    none = f"no measured candidate on {ranking.device!r} satisfies this"
    left_out = [each.code for left in ranking.left_out for each in left.reasons]
    if ReasonCode.DEVICE_EMULATED in left_out:
        return f"{none}, as it is emulated; with --include-emulated its figures are ranked"
    if not ranking.would_win_with:
        return none
    counting = " or ".join(verdict.value for verdict in ranking.constraints.only)
    would = " or ".join(verdict.value for verdict in ranking.would_win_with)
    option = wording.only_option(ranking.constraints, ranking.would_win_with)
    return (
        f"{none} with the verdict {counting}, but with {would} one would: "
        f"write {option}, or measure again"
    )
