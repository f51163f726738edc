"""`edgerank best` and `edgerank report`: the answer, on the terminal and as a page."""

from pathlib import Path

import click
from rich.console import Console

from controller.cli.options.common import (
    Converted,
    accuracy_option,
    at_minute_option,
    controller_option,
    include_option,
    json_option,
    read_runtime,
    says_failures,
    tier_option,
)
from controller.cli.printing.documents import print_json
from controller.cli.printing.ranking import print_ranking
from controller.client import QueryClient
from controller.domain.errors import EdgerankError, ErrorCode
from controller.domain.measurements import Verdict
from controller.domain.names import find_device
from controller.domain.quantities import parse_latency_ms, parse_memory_bytes
from controller.domain.rankings import Constraints, Ranking
from controller.views import wording
from controller.views.device_words import surroundings_words
from controller.views.report.render import render_report
from models.catalog.catalog import IMAGENET
from models.catalog.tiers import Tier
from protos.runtimes import Runtime


@click.command()
@click.option("--device", required=True, help="The device's name (see 'edgerank devices').")
@click.option(
    "--max-latency",
    "max_latency_ms",
    type=Converted("latency", parse_latency_ms),
    metavar="TIME",
    help="As 20ms, 0.02s or 950us.",
)
@click.option(
    "--max-memory",
    "max_memory_bytes",
    type=Converted("memory", parse_memory_bytes),
    metavar="SIZE",
    help="Peak resident memory above the bare runtime's, as 80MB or 80MiB.",
)
@click.option(
    "--min-top1",
    type=click.FloatRange(0, 100),
    metavar="PERCENT",
    help="Top-1 at least.",
)
@tier_option
@click.option("--runtime", type=Converted("runtime", read_runtime), metavar="RUNTIME")
@click.option("--threads", type=click.IntRange(1))
@include_option
@at_minute_option
@accuracy_option
@controller_option
@json_option
@says_failures
def best(
    *,
    device: str,
    max_latency_ms: float | None,
    max_memory_bytes: int | None,
    min_top1: float | None,
    tier: Tier | None,
    runtime: Runtime | None,
    threads: int | None,
    include: tuple[Verdict, ...],
    at_minute: int | None,
    accuracy_dataset: str,
    address: str,
    as_json: bool,
) -> None:
    """Say which backbone is best on a device.

    Names the winner under the constraints, the Pareto front, ties, and why the others lost. Only
    figures whose verdict is ok count unless --include names more; what is left out is said.

    Exit code 3 when no measured candidate satisfies them; a sweep that could is named.

    \b
    Examples:
      edgerank best --device phone --max-latency 20ms
      edgerank best --device board --min-top1 75 --max-memory 80MB --runtime onnxruntime --threads 1
      edgerank best --device pc --tier mobile --json
      edgerank best --device pc --include noisy,unstable
      edgerank best --device phone --accuracy flowers
      edgerank best --device phone --at-minute 10
    """
    constraints = Constraints(
        max_latency_ms=max_latency_ms,
        max_memory_bytes=max_memory_bytes,
        min_top1=min_top1,
        tier=tier,
        runtime=runtime,
        threads=threads,
        include=include,
        at_minute=at_minute,
    )
    with QueryClient(address) as client:
        ranking = client.rank(device, constraints, accuracy_dataset)
        if as_json:
            print_json(ranking)
        else:
            profile = find_device(client.list_devices(), device).profile
            print_ranking(Console(), ranking, surroundings_words(profile))
    if ranking.winner is None:
        raise EdgerankError(ErrorCode.NOTHING_FOUND, _why_none(ranking))


def _why_none(ranking: Ranking) -> str:
    none = f"no measured candidate on {ranking.device!r} satisfies this"
    if not ranking.would_win_with:
        return none
    counting = " or ".join(v.value for v in Verdict if v in ranking.constraints.admitted)
    would = " or ".join(verdict.value for verdict in ranking.would_win_with)
    option = wording.include_option(ranking.constraints, ranking.would_win_with)
    return (
        f"{none} with the verdict {counting}, but with {would} one would: "
        f"add {option}, or measure again"
    )


@click.command()
@click.option("--device", required=True, help="The device's name (see 'edgerank devices').")
@click.option(
    "--output",
    "-o",
    "path",
    type=click.Path(path_type=Path),
    default=Path("report.html"),
    show_default=True,
)
@include_option
@at_minute_option
@accuracy_option
@controller_option
@says_failures
def report(
    *,
    device: str,
    path: Path,
    include: tuple[Verdict, ...],
    at_minute: int | None,
    accuracy_dataset: str,
    address: str,
) -> None:
    """Write a device's ranking as one HTML file.

    It opens without a network, and shows every figure; only those whose verdict is ok, or one that
    --include names, are ranked.

    \b
    Examples:
      edgerank report --device phone -o phone.html
      edgerank report --device pc --include noisy,unstable
    """
    with QueryClient(address) as client:
        wanted = Constraints(include=include, at_minute=at_minute)
        write_report(client, device, path, wanted, accuracy_dataset)
    click.echo(f"report written to {path}")


def write_report(
    client: QueryClient,
    device: str,
    path: Path,
    constraints: Constraints,
    accuracy_dataset: str = IMAGENET,
) -> None:
    """Asks for a device's ranking and writes its page.

    Raises:
        EdgerankError: UNKNOWN_NAME for the device or the dataset, STORAGE when the file cannot be
            written.
    """
    found = find_device(client.list_devices(), device)
    page = render_report(client.rank(device, constraints, accuracy_dataset), found)
    try:
        path.write_text(page, encoding="utf-8")
    except OSError as error:
        raise EdgerankError(
            ErrorCode.STORAGE, f"cannot write {path}: {error.strerror}; name another with --output"
        ) from error
