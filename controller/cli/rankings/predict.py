"""`edgerank predict`: what backbones would be measured at that were not."""

import click
from rich.console import Console

from controller.cli.options.asking import controller_option, json_option
from controller.cli.options.failures import says_failures
from controller.cli.options.values import Converted, read_percentage, read_runtime
from controller.cli.printing.documents import print_json
from controller.cli.printing.rankings.predictions import print_predictions
from controller.client import QueryClient
from controller.domain.errors import EdgerankError, ErrorCode
from controller.domain.names import find_choice
from controller.domain.rankings.predicted import PredictQuestion
from controller.domain.rankings.predictions import CONFIDENCE
from controller.domain.sweeps import MAX_THREADS
from models.catalog.precisions import Precision
from protos.runtimes import Runtime


@click.command()
@click.argument("backbones", metavar="[NAME]...", nargs=-1)
@click.option("--device", required=True, help="On this device (see 'edgerank devices').")
@click.option("--runtime", type=Converted("runtime", read_runtime), metavar="RUNTIME")
@click.option("--threads", type=click.IntRange(1, MAX_THREADS))
@click.option(
    "--precision",
    type=Converted("precision", lambda text: find_choice(Precision, "precision", text)),
    metavar="NAME",
    default=Precision.FP32.value,
    show_default=True,
    help="What would be measured in, as int8-dynamic.",
)
@click.option(
    "--confidence",
    type=Converted("percentage", read_percentage),
    metavar="P%",
    default=f"{CONFIDENCE:.0%}",
    show_default=True,
    help="Share of intervals that are to hold what is measured later.",
)
@controller_option
@json_option
@says_failures
def predict(
    *,
    backbones: tuple[str, ...],
    device: str,
    runtime: Runtime | None,
    threads: int | None,
    precision: Precision,
    confidence: float,
    address: str,
    as_json: bool,
) -> None:
    """Tell what backbones would be measured at on a device where they were not.

    Latency and memory, each with its interval, of the backbones named or of the whole catalog, in
    each runtime and number of threads that at least 8 backbones were measured in there, in one
    precision and for one image. It says what it rests on, how far off it is of what was measured
    when that is left out, and how far off earlier predictions were of what was measured since. What
    is unlike all that was measured is not predicted. No prediction is ever ranked or exported as if
    it were measured.

    Exit code 3 when nothing can be predicted; the sweep that would change it is named.

    \b
    Examples:
      edgerank predict --device board
      edgerank predict --device board MobileNetV3_large_x1_0 PPLCNet_x1_0
      edgerank predict --device board --runtime onnxruntime --threads 4 --json
      edgerank predict --device board --precision int8-dynamic
      edgerank predict --device board --confidence 95%
    """
    question = PredictQuestion(
        device=device,
        backbones=backbones,
        runtime=runtime,
        threads=threads,
        confidence=confidence,
        precision=precision,
    )
    with QueryClient(address) as client, Console(stderr=True).status("Predicting ..."):
        told = client.predict(question)
    if as_json:
        print_json(told)
    else:
        print_predictions(Console(), told, backbones)
    is_told = any(setting.predicted for setting in told.settings)
    if not is_told and any(setting.unpredicted for setting in told.settings):
        raise EdgerankError(ErrorCode.NOTHING_FOUND, f"nothing can be predicted on {device!r}")
