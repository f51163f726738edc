"""`edgerank reference`: what others published, beside what was measured."""

import click
from rich.console import Console

from controller.cli.options.asking import controller_option, json_option
from controller.cli.options.failures import says_failures
from controller.cli.options.values import Converted, read_devices
from controller.cli.printing.documents import print_json
from controller.cli.printing.rankings.parts import print_parts
from controller.client import ReportClient
from controller.domain.errors import EdgerankError, ErrorCode
from controller.domain.rankings.reference import USUAL_FACTOR, ReferenceQuestion
from controller.views.report.reference import reference_parts


@click.command()
@click.option(
    "--devices",
    type=Converted("devices", read_devices),
    default=(),
    metavar="NAME,LABEL=VALUE",
    help="Only these.  [default: every device of the fleet]",
)
@click.option(
    "--as",
    "taken_for",
    metavar="PUBLISHED",
    help='Which published device they are, as "Snapdragon 855".  [default: by the chip in their '
    "profile]",
)
@click.option(
    "--factor",
    type=float,
    default=USUAL_FACTOR,
    show_default=True,
    help="By how much two figures have to differ to disagree.",
)
@controller_option
@json_option
@says_failures
def reference(
    *,
    devices: tuple[str, ...],
    taken_for: str | None,
    factor: float,
    address: str,
    as_json: bool,
) -> None:
    """Set latency that others published beside what was measured.

    Each published figure has its source, and stands beside the measurement whose setting is the
    nearest. Only in the same setting one is said to disagree. Rankings never count published
    figures.

    Exit code 3 when nothing was published of any of the devices.

    \b
    Examples:
      edgerank reference
      edgerank reference --devices phone --as "Snapdragon 855"
      edgerank reference --factor 2 --json
    """
    question = ReferenceQuestion(devices=devices, taken_for=taken_for, factor=factor)
    with ReportClient(address) as client:
        found = client.reference(question)
    if as_json:
        print_json(found)
    else:
        print_parts(Console(), reference_parts(found))
    if not found.devices:
        raise EdgerankError(
            ErrorCode.NOTHING_FOUND,
            "nothing is published of these devices, as far as their profiles name their chips; "
            "say which published one they are with --as",
        )
