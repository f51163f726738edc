"""`edgerank report`: a device's ranking as a page, a model card, a survey of claims."""

from enum import Enum
from pathlib import Path

import click
from rich.console import Console

from controller.cli.options.asking import controller_option, json_option
from controller.cli.options.failures import says_failures
from controller.cli.options.files.output_path import check_output
from controller.cli.options.grouping import GroupedCommands
from controller.cli.options.ranking import (
    RankedFigures,
    accuracy_option,
    constraint_options,
    of_figures,
    ranked_options,
)
from controller.cli.options.values import Converted, read_devices
from controller.cli.printing.documents import print_json
from controller.cli.printing.rankings.parts import print_parts
from controller.client import QueryClient, ReportClient
from controller.domain.errors import EdgerankError, ErrorCode
from controller.domain.measurements import Measurement
from controller.domain.rankings import Constraints, Ranking
from controller.views.report.card import model_card
from controller.views.report.markdown import markdown
from controller.views.report.ranking import ranking_parts
from controller.views.report.render import render_report
from controller.views.report.survey import survey_parts
from controller.views.wording import candidates
from models.catalog.catalog import IMAGENET


class ReportFormat(Enum):
    """What a report is written as."""

    HTML = "html"
    MARKDOWN = "markdown"


_SUFFIXES = {ReportFormat.HTML: ".html", ReportFormat.MARKDOWN: ".md"}


@click.group(cls=GroupedCommands, invoke_without_command=True)
@click.option("--device", help="The device's name (see 'edgerank devices').")
@ranked_options
@constraint_options
@click.option(
    "--output",
    "-o",
    "path",
    type=click.Path(path_type=Path),
    help="Where to.  [default: report.html, or report.md]",
)
@click.option(
    "--format",
    "named_format",
    type=click.Choice([each.value for each in ReportFormat]),
    help="As what.  [default: what --output ends in, else html]",
)
@controller_option
@click.pass_context
@says_failures
def report(
    context: click.Context,
    *,
    device: str | None,
    ranked: RankedFigures,
    constraints: Constraints,
    path: Path | None,
    named_format: str | None,
    address: str,
) -> None:
    """Write a device's ranking as one HTML file, or as Markdown.

    The page opens without a network, and shows every figure. Disturbed and throttled ones are
    ranked where there is nothing better of the same setting; with --only what it names.

    \b
    Examples:
      edgerank report --device phone -o phone.html
      edgerank report --device pc --only ok,wide
      edgerank report --device pc --max-latency 20ms --max-artifact 20MB
      edgerank report --device phone --format markdown
      edgerank report card --device phone
      edgerank report survey
    """
    if context.invoked_subcommand is not None:
        # Whoever names the controller before the subcommand means it there, too.
        context.default_map = {context.invoked_subcommand: {"address": address}}
        return
    if device is None:
        raise click.UsageError("say of which device: --device NAME (see 'edgerank devices')")
    written_as = _format(named_format, path)
    path = path or Path(f"report{_SUFFIXES[written_as]}")
    check_output(path, "name another with --output")
    wanted = of_figures(constraints, ranked)
    with QueryClient(address) as client:
        write_report(client, device, path, wanted, ranked.accuracy_dataset, written_as=written_as)
    click.echo(f"report written to {path}")


def _format(named: str | None, path: Path | None) -> ReportFormat:
    if named is not None:
        return ReportFormat(named)
    is_markdown = path is not None and path.suffix.lower() == _SUFFIXES[ReportFormat.MARKDOWN]
    return ReportFormat.MARKDOWN if is_markdown else ReportFormat.HTML


def write_report(
    client: QueryClient,
    device: str,
    path: Path,
    constraints: Constraints,
    accuracy_dataset: str = IMAGENET,
    *,
    written_as: ReportFormat = ReportFormat.HTML,
) -> None:
    """Asks for a device's ranking and writes it.

    Raises:
        EdgerankError: UNKNOWN_NAME for the device or the dataset, STORAGE when the file cannot be
            written.
    """
    found = client.measured_device(device)
    ranking = client.rank(device, constraints, accuracy_dataset)
    if written_as is ReportFormat.HTML:
        _write(path, render_report(ranking, found))
    else:
        _write(path, markdown(ranking_parts(ranking, found)))


@report.command()
@click.argument("name", metavar="[NAME]", required=False)
@click.option("--device", required=True, help="The device's name (see 'edgerank devices').")
@accuracy_option
@click.option(
    "--output", "-o", "path", type=click.Path(path_type=Path), help="Write it there, as README.md."
)
@controller_option
@says_failures
def card(
    name: str | None, device: str, accuracy_dataset: str, path: Path | None, address: str
) -> None:
    """Write a model card of the winner, or of NAME.

    In Markdown with YAML front matter, as model hubs take it: figures, device, provenance, accuracy
    with its source, and the sweep that measures the same again.

    \b
    Examples:
      edgerank report card --device phone
      edgerank report card PPLCNet_x1_0 --device phone -o README.md
    """
    if path is not None:
        check_output(path, "name another with --output")
    with QueryClient(address) as client:
        found = client.measured_device(device)
        ranking = client.rank(device, Constraints(), accuracy_dataset)
        measurement = _meant(ranking, name)
        catalog = client.catalog()
    backbone = catalog.get(measurement.backbone) if measurement.backbone in catalog else None
    written = model_card(measurement, found, backbone)
    if path is None:
        click.echo(written, nl=False)
    else:
        _write(path, written)
        click.echo(f"model card of {measurement.backbone} written to {path}")


def _meant(ranking: Ranking, name: str | None) -> Measurement:
    """The winner's measurement, or the fastest of a backbone.

    Raises:
        EdgerankError: NOTHING_FOUND.
    """
    if name is None:
        if ranking.winner is None:
            raise EdgerankError(
                ErrorCode.NOTHING_FOUND,
                f"nothing that counts was measured on {ranking.device!r}, so that nothing wins; "
                "sweep backbones there first",
            )
        return ranking.winner.measurement
    of_name = [each.measurement for each in candidates(ranking)]
    fastest = [each for each in of_name if each.backbone == name and each.latency is not None]
    if not fastest:
        raise EdgerankError(
            ErrorCode.NOTHING_FOUND,
            f"{name!r} has no figure that counts on {ranking.device!r}; see 'edgerank results', or "
            "sweep it there",
        )
    return min(fastest, key=lambda each: each.latency.median_ms if each.latency else 0.0)


@report.command()
@click.option(
    "--devices",
    type=Converted("devices", read_devices),
    default=(),
    metavar="NAME,LABEL=VALUE",
    help="Only these.  [default: every device of the fleet]",
)
@click.option(
    "--output", "-o", "path", type=click.Path(path_type=Path), help="Write it there as Markdown."
)
@controller_option
@json_option
@says_failures
def survey(devices: tuple[str, ...], path: Path | None, address: str, *, as_json: bool) -> None:
    """Tell what becomes of the source article's claims on the devices that were measured.

    Its mobile, desktop and server tables from the catalog, with top-1 for each multiply-add and for
    each measured millisecond. Each claim holds, does not hold, or is not decidable with what is
    measured; then it is told what to measure.

    \b
    Examples:
      edgerank report survey
      edgerank report survey --devices phone,pc -o survey.md
      edgerank report survey --json
    """
    if path is not None:
        check_output(path, "name another with --output")
    with ReportClient(address) as client:
        found = client.survey(devices)
    if as_json:
        print_json(found)
    elif path is None:
        print_parts(Console(), survey_parts(found))
    if path is not None:
        _write(path, markdown(survey_parts(found)))
        click.echo(f"survey written to {path}", err=as_json)


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise EdgerankError(
            ErrorCode.STORAGE, f"cannot write {path}: {error.strerror}; name another with --output"
        ) from error
