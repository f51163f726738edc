"""`edgerank models`: the catalog, and own models beside it."""

from collections.abc import Iterable
from pathlib import Path

import click
from rich.console import Console

from controller.cli.options.asking import controller_option, json_option
from controller.cli.options.backbones import tier_option
from controller.cli.options.failures import says_failures
from controller.cli.options.own_files import brought, check_weights, described, reading
from controller.cli.options.values import (
    Converted,
    read_input_size,
    read_input_values,
    read_runtime,
)
from controller.cli.printing.documents import print_json
from controller.cli.printing.models import (
    own_model_words,
    print_models,
    print_own_models,
    print_tier,
)
from controller.cli.printing.rankings.on_device import print_on_device
from controller.cli.printing.uploading import shown_upload
from controller.client import QueryClient
from controller.domain.catalog import OwnModelHeader
from controller.domain.errors import EdgerankError, ErrorCode
from controller.domain.rankings.on_device import on_device
from controller.domain.rankings.predicted import DevicePredictions, PredictQuestion
from controller.domain.sweeps import MAX_THREADS
from models.catalog.catalog import Backbone, load_catalog
from models.catalog.tiers import Tier, TierSelection, apply_rule
from protos.inputs import ImageSize, InputValues
from protos.runtimes import Runtime


@click.group(invoke_without_command=True)
@tier_option
@click.option("--no-distilled", is_flag=True, help="Leave out weights that were distilled.")
@click.option(
    "--no-extra-data", is_flag=True, help="Leave out weights that saw more than ImageNet-1k."
)
@click.option("--device", help="With their latency on this device (see 'edgerank devices').")
@click.option(
    "--runtime",
    type=Converted("runtime", read_runtime),
    metavar="RUNTIME",
    help="With --device: in this one, not in what most were measured in.",
)
@click.option("--threads", type=click.IntRange(1, MAX_THREADS), help="With --device: likewise.")
@controller_option
@json_option
@click.pass_context
@says_failures
def models(
    context: click.Context,
    *,
    tier: Tier | None,
    no_distilled: bool,
    no_extra_data: bool,
    device: str | None,
    runtime: Runtime | None,
    threads: int | None,
    address: str,
    as_json: bool,
) -> None:
    """List the catalog with accuracy and cost.

    Published accuracy, parameters and multiply-adds, and what we counted. Needs no controller.
    With a tier, it also says what the tier's rule rejected and why; with --json, of each backbone.
    Its commands add models of your own to a controller.

    With a device, it asks the controller for latency there, in fp32 and for one image: measured,
    and in a column of its own, marked by ~, what would be measured where nothing was. Exit code 3
    when nothing was measured there.

    \b
    Examples:
      edgerank models --tier mobile
      edgerank models --tier server --no-extra-data
      edgerank models --json
      edgerank models --tier mobile --device board
      edgerank models --device board --runtime onnxruntime --threads 4 --json
      edgerank models add MyNet --onnx mynet.onnx
    """
    if context.invoked_subcommand is not None:
        return
    if device is None and (runtime is not None or threads is not None):
        raise EdgerankError(
            ErrorCode.INVALID_INPUT, "--runtime and --threads are of a device: add --device"
        )

    def considered_of(catalog: Iterable[Backbone]) -> tuple[Backbone, ...]:
        return tuple(
            backbone
            for backbone in catalog
            if not (no_distilled and backbone.distilled)
            if not (no_extra_data and backbone.extra_data)
        )

    if device is not None:
        question = PredictQuestion(device=device, runtime=runtime, threads=threads)
        with QueryClient(address) as client, Console(stderr=True).status("Predicting ..."):
            told, known = client.predict(question), considered_of(client.catalog())
        _print_on_device(told, known if tier is None else apply_rule(known, tier).chosen, as_json)
        return
    considered = considered_of(load_catalog())
    if tier is None:
        _print(considered, as_json)
    else:
        _print_tier(apply_rule(considered, tier), as_json)


def _print_on_device(told: DevicePredictions, backbones: Iterable[Backbone], as_json: bool) -> None:
    found = on_device(told, backbones)
    if as_json:
        print_json(found)
    else:
        print_on_device(Console(), found)


def _print(backbones: tuple[Backbone, ...], as_json: bool) -> None:
    if as_json:
        print_json(backbones)
    else:
        print_models(Console(), backbones)


def _print_tier(selection: TierSelection, as_json: bool) -> None:
    if as_json:
        print_json(selection)
    else:
        print_tier(Console(), selection)


@models.command()
@click.argument("name")
@click.option("--onnx", "onnx_path", type=click.Path(path_type=Path), metavar="FILE")
@click.option(
    "--paddle",
    "paddle_dir",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Folder, or a .tar of one, with a program and its parameters, as Paddle 1.x to 2.6 write "
    "them.",
)
@click.option(
    "--program",
    "program_path",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Paddle's program, where its name is another; with --params.",
)
@click.option(
    "--params",
    "parameters_path",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="The parameters of that program, in one file.",
)
@click.option(
    "--architecture",
    metavar="NAME",
    help="Network of the catalog that the weights are of; with --weights.",
)
@click.option(
    "--weights",
    "weights_path",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Weights (.pdparams) that you trained for a network of the catalog.",
)
@click.option(
    "--classes",
    type=click.IntRange(min=1),
    metavar="N",
    help="How many classes the weights must be for; left out, they say so.",
)
@click.option(
    "--input-size",
    type=Converted("size", read_input_size),
    metavar="PX",
    help="Size of the image where the model leaves it open: 224, or 192x48 as height x width.",
)
@click.option(
    "--input",
    "inputs",
    type=Converted("values", read_input_values),
    multiple=True,
    metavar="NAME=V,V",
    help="Values of an input that is no image, the same in every inference: scale_factor=1,1. May "
    "be given for several.",
)
@controller_option
@json_option
@says_failures
def add(
    *,
    name: str,
    onnx_path: Path | None,
    paddle_dir: Path | None,
    program_path: Path | None,
    parameters_path: Path | None,
    architecture: str | None,
    weights_path: Path | None,
    classes: int | None,
    input_size: ImageSize | None,
    inputs: tuple[InputValues, ...],
    address: str,
    as_json: bool,
) -> None:
    """Add a model of your own.

    It must take images of 1, 3 or 4 channels, float32, float16 or uint8, as batch x channels x
    height x width or with the channels last, and give scores in float32 or float16. It is sent to
    the controller, run there once in a process without a network, and kept if that went well. What
    it takes, and what was assumed of it, is told. One that is made for several images at once is
    measured so. From then on sweep, convert, best and report know its name. A Paddle program and
    weights that were trained for an architecture of the catalog become Paddle Lite and ONNX files,
    an ONNX file becomes ONNX files only. Its accuracy is unknown until it is imported with
    'edgerank accuracy import'. A model has at most 2 GB. Weights of an ONNX file that are in files
    beside it are sent with it; files elsewhere are never read.

    \b
    Examples:
      edgerank models add MyNet --onnx mynet.onnx
      edgerank models add MyNet --paddle inference/ --input-size 224
      edgerank models add MyNet --paddle ResNet50_infer.tar
      edgerank models add MyNet --program net.prog --params net.weights
      edgerank models add Birds --architecture ResNet50 --weights best_model.pdparams
      edgerank models add MyText --onnx text.onnx --input-size 48x192
      edgerank models add MyDet --paddle det/ --input-size 320 --input scale_factor=1,1
    """
    own_format, bringing = brought(
        onnx_path, paddle_dir, program_path, parameters_path, weights_path
    )
    check_weights(weights_path, architecture, classes)
    with bringing as files, QueryClient(address) as client:
        header = OwnModelHeader(
            name=name,
            format=own_format,
            files=described(files),
            input_size=input_size,
            architecture=architecture,
            classes=classes,
            inputs=inputs,
        )
        size_bytes, console = sum(each.size_bytes for each in header.files), Console(stderr=True)
        with reading(files) as chunks, shown_upload(console, chunks, size_bytes) as shown:
            model = client.add_model(header, shown)
    if as_json:
        print_json(model)
    else:
        click.echo(f"added {own_model_words(model)}")


@models.command()
@controller_option
@json_option
@says_failures
def own(address: str, as_json: bool) -> None:
    """List the own models of a controller.

    \b
    Example:
      edgerank models own
    """
    with QueryClient(address) as client:
        found = client.list_own_models()
    if as_json:
        print_json(found)
    else:
        print_own_models(Console(), found)


@models.command()
@click.argument("name")
@click.option("--with-accuracy", is_flag=True, help="Delete its imported accuracy, too.")
@controller_option
@says_failures
def remove(name: str, with_accuracy: bool, address: str) -> None:
    """Remove an own model that no sweep has.

    Accuracy that was imported for it belongs to its file: it counts again when the same file is
    added under the same name, and for no other one. Figures keep their model: one that a sweep has
    stays.

    \b
    Examples:
      edgerank models remove MyNet
      edgerank models remove MyNet --with-accuracy
    """
    with QueryClient(address) as client:
        client.remove_model(name, with_accuracy=with_accuracy)
    click.echo(f"removed {name}")
