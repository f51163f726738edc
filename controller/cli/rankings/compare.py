"""`edgerank compare`: did it become faster or slower, for people and for CI."""

from dataclasses import replace

import click
from rich.console import Console

from controller.cli.options.asking import controller_option, json_option
from controller.cli.options.failures import says_failures
from controller.cli.options.ranking import include_emulated_option
from controller.cli.options.values import Converted, read_percentage
from controller.cli.printing.documents import print_json
from controller.cli.printing.rankings.comparison import print_comparison
from controller.client import QueryClient
from controller.domain.comparisons import (
    EQUIVALENCE_MARGIN,
    CompareQuestion,
    Comparison,
    Limits,
    ThresholdWithinMargin,
)
from controller.domain.errors import EdgerankError, ErrorCode
from controller.domain.selectors import Selector, parse_selector
from controller.views.counting import counted
from controller.views.wording import candidate_name
from protos.reasons import ReasonCode

_selector = Converted("selector", parse_selector)
_percentage = Converted("percentage", read_percentage)


@click.command()
@click.argument("a", metavar="A", type=_selector)
@click.argument("b", metavar="B", type=_selector)
@click.option("--device", help="Only this device's measurements.")
@click.option("--each-device", "is_each", is_flag=True, help="Answer for each device by itself.")
@click.option(
    "--same-within",
    "equivalence_margin",
    type=_percentage,
    metavar="P%",
    default=f"{EQUIVALENCE_MARGIN:.0%}",
    show_default=True,
    help="Medians that differ by less are the same.",
)
@click.option(
    "--fail-on-regression",
    "regression_threshold",
    type=_percentage,
    metavar="P%",
    help="Exit with 5 when a B is surely slower by more than this.",
)
@click.option(
    "--include-disturbed",
    is_flag=True,
    help="Judge pairs with a disturbed or throttled side too; else they are never a regression.",
)
@include_emulated_option
@controller_option
@json_option
@says_failures
def compare(
    *,
    a: Selector,
    b: Selector,
    device: str | None,
    is_each: bool,
    equivalence_margin: float,
    regression_threshold: float | None,
    include_disturbed: bool,
    include_emulated: bool,
    address: str,
    as_json: bool,
) -> None:
    """Say whether B is faster or slower than A.

    A and B are each a sweep (its id, a beginning of it, or its name), a backbone, runtime:NAME,
    version:RUNTIME=VERSION, build:RUNTIME=PART, before:DATE or after:DATE (UTC), or several of
    these joined by commas. Of the same thing, the newest measurement counts. Faster, slower, same
    or cannot tell, with the 95 % interval of the medians' ratio.

    The interval covers how processes differ within a side, not load that lasts through all of it:
    measure A and B in turns, and trust what every turn shows.

    Exit code 5 on a regression, 3 when A and B have nothing in common, or when no pair could be
    judged for a regression that is asked for. What was not judged is said.

    \b
    Examples:
      edgerank compare 3f2a9c01b7de 8d18c12d8aac --fail-on-regression 5%
      edgerank compare MobileNetV3_large_x1_0 PPLCNet_x1_0 --each-device
      edgerank compare runtime:onnxruntime runtime:paddlelite --device phone
      edgerank compare version:onnxruntime=1.22.0 version:onnxruntime=1.23.2
      edgerank compare build:onnxruntime=a83fc4d58c build:onnxruntime=4f2b1e09aa
      edgerank compare before:2026-11-24 after:2026-11-24 --json
    """
    limits = replace(
        _limits(equivalence_margin, regression_threshold, include_disturbed=include_disturbed),
        include_emulated=include_emulated,
    )
    if is_each and device is not None:
        raise click.UsageError("--each-device goes without --device")
    with QueryClient(address) as client:
        comparison = client.compare(CompareQuestion(a=a, b=b, device=device, limits=limits))
    if as_json:
        print_json(comparison)
    else:
        print_comparison(Console(), comparison, parts_of(comparison) if is_each else ())
    _raise_if_nothing_in_common(comparison)
    _say_what_was_not_judged(comparison)
    _raise_if_regressed(comparison)
    _raise_if_nothing_judged(comparison)


def parts_of(comparison: Comparison) -> tuple[Comparison, ...]:
    """The comparison of each device by itself, by name, without what has no pair."""
    devices = sorted({pair.a.device for pair in comparison.pairs})
    return tuple(
        replace(
            comparison,
            pairs=tuple(pair for pair in comparison.pairs if pair.a.device == device),
            left_out=(),
        )
        for device in devices
    )


def _limits(margin: float, threshold: float | None, *, include_disturbed: bool) -> Limits:
    try:
        return Limits(
            equivalence_margin=margin,
            regression_threshold=threshold,
            include_disturbed=include_disturbed,
        )
    except ThresholdWithinMargin as error:
        remedy = f"add --same-within {error.threshold * 100:g}%"
        raise EdgerankError(error.code, f"{error}; {remedy}") from error


def _raise_if_nothing_in_common(comparison: Comparison) -> None:
    if not comparison.pairs:
        left_out = [each.code for left in comparison.left_out for each in left.reasons]
        remedy = (
            "some is of an emulated device, which --include-emulated lets count"
            if ReasonCode.DEVICE_EMULATED in left_out
            else "sweep the same backbones and threads on the same device for both; while a sweep "
            "runs, figures count once their job has ended"
        )
        raise EdgerankError(
            ErrorCode.NOTHING_FOUND,
            f"A ({comparison.a}) and B ({comparison.b}) measured nothing that is the same; "
            f"{remedy}",
        )


def _say_what_was_not_judged(comparison: Comparison) -> None:
    if comparison.limits.regression_threshold is None:
        return
    if comparison.not_judged:
        of_all = f"{len(comparison.not_judged)} of {counted(len(comparison.pairs), 'pair')}"
        click.echo(
            f"warning: {of_all} may hide a regression, {_why_not(comparison)}",
            err=True,
        )
    if comparison.lost:
        names = ", ".join(map(candidate_name, comparison.lost))
        click.echo(f"warning: only A has a figure of {names}", err=True)


def _raise_if_regressed(comparison: Comparison) -> None:
    regressed = [candidate_name(pair.b) for pair in comparison.pairs if pair.is_regression]
    threshold = comparison.limits.regression_threshold
    if regressed and threshold is not None:
        raise EdgerankError(
            ErrorCode.REGRESSION,
            f"{len(regressed)} of {counted(len(comparison.pairs), 'pair')} slower by more than "
            f"{threshold * 100:g} %: {', '.join(regressed)}",
        )


def _raise_if_nothing_judged(comparison: Comparison) -> None:
    if comparison.pairs and len(comparison.not_judged) == len(comparison.pairs):
        raise EdgerankError(
            ErrorCode.NOTHING_FOUND,
            f"no pair could be judged for a regression, {_why_not(comparison)}",
        )


def _why_not(comparison: Comparison) -> str:
    if all(pair.undecided_by_verdict for pair in comparison.not_judged):
        return (
            "since a side is disturbed or throttled; measure again on a quiet machine, or add "
            "--include-disturbed"
        )
    return "each with its reason above; measure again with more repetitions on a quiet machine"
