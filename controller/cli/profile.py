"""`edgerank profile`: where the time of an inference goes, operator by operator."""

from collections.abc import Iterable
from pathlib import Path

import click
from click.shell_completion import CompletionItem
from rich.console import Console
from rich.text import Text

from controller.cli.options.common import (
    controller_option,
    json_option,
    says_failures,
    weights_option,
)
from controller.cli.options.runtime import RuntimeSettings, runtime_options
from controller.cli.options.start_gate import gate_options
from controller.cli.printing.documents import print_json
from controller.cli.printing.profile import print_profile
from controller.client import QueryClient
from controller.domain.errors import EdgerankError, ErrorCode
from controller.domain.profiles import (
    MAX_PROFILE_RUNS,
    OperatorProfile,
    ProfileProgress,
    ProfileSpec,
)
from controller.domain.sweeps import MAX_BATCH, MAX_THREADS
from controller.domain.traces import TraceDoubtful, unpack_trace
from controller.files import replacing
from controller.views.operator_times import summarise
from models.catalog.catalog import MAX_INPUT_SIZE, load_catalog
from models.catalog.variants import Precision, WeightsKind
from protos.measuring import StartGate
from protos.runtimes import Runtime

PERFETTO = "https://ui.perfetto.dev"
_PLAIN, _PACKED = ".json", ".json.gz"


def complete_backbone(
    _context: click.Context, _param: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """Completes the name of one backbone."""
    names = (backbone.name for backbone in load_catalog())
    return [CompletionItem(name) for name in names if name.startswith(incomplete)]


@click.command()
@click.argument("name", required=False, shell_complete=complete_backbone)
@click.option("--device", metavar="NAME", help="Where to profile.")
@click.option(
    "--runtime",
    type=click.Choice([runtime.value for runtime in Runtime]),
    default=Runtime.ONNXRUNTIME.value,
    show_default=True,
)
@click.option("--threads", type=click.IntRange(1, MAX_THREADS), default=1, show_default=True)
@runtime_options
@click.option(
    "--precision",
    type=click.Choice([precision.value for precision in Precision]),
    default=Precision.FP32.value,
    show_default=True,
)
@click.option(
    "--input-size",
    type=click.IntRange(1, MAX_INPUT_SIZE),
    metavar="PX",
    help="Height and width of the input.  [default: the backbone's evaluation size]",
)
@click.option("--batch", type=click.IntRange(1, MAX_BATCH), default=1, show_default=True)
@weights_option(WeightsKind.PRETRAINED)
@click.option(
    "--runs",
    "run_count",
    type=click.IntRange(1, MAX_PROFILE_RUNS),
    default=20,
    show_default=True,
    help="Inferences to profile, after a warm-up.",
)
@click.option("--stored", "profile_id", metavar="ID", help="Show an earlier profile.")
@click.option(
    "--by",
    type=click.Choice(["operator", "layer"]),
    default="operator",
    show_default=True,
    help="operator: their sums and the slowest layers. layer: every layer.",
)
@click.option(
    "--trace",
    "trace_path",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help=f"Where to write the trace, {_PLAIN} or {_PACKED}.  "
    f"[default: BACKBONE-DEVICE-RUNTIME.trace{_PACKED}]",
)
@gate_options
@controller_option
@json_option
@says_failures
def profile(
    *,
    name: str | None,
    device: str | None,
    runtime: str,
    threads: int,
    precision: str,
    input_size: int | None,
    batch: int,
    weights: str,
    run_count: int,
    profile_id: str | None,
    by: str,
    trace_path: Path | None,
    gate: StartGate,
    runtime_settings: RuntimeSettings,
    address: str,
    as_json: bool,
) -> None:
    """Time a backbone on a device, operator by operator and layer by layer.

    From the runtime's own profiler, whose trace Perfetto opens. Watching costs time: how long an
    inference takes, 'edgerank sweep' says. It starts when the device is cool and little else runs
    there. Ctrl-C stops waiting, not the profile.

    \b
    Examples:
      edgerank profile MobileNetV1 --device phone
      edgerank profile PPLCNet_x1_0 --device board --threads 4 --by layer
      edgerank profile ResNet50 --device pc --precision int8-static --trace resnet.json
      edgerank profile MobileNetV1 --device phone --cores big --graph-optimization basic
    """
    _check_request(name, device, profile_id, trace_path)
    wanted = profile_id or ProfileSpec(
        backbone=name or "",
        device=device or "",
        runtime=Runtime(runtime),
        threads=threads,
        weights=WeightsKind(weights),
        precision=Precision(precision),
        batch=batch,
        run_count=run_count,
        input_size=input_size,
        cores=runtime_settings.cores,
        flush_denormals=runtime_settings.flush_denormals,
        onnxruntime=runtime_settings.onnxruntime,
        gate=gate,
    )
    console = Console(stderr=as_json)
    with QueryClient(address) as client:
        found, packed = _follow(client.profile(wanted), console)
    path = trace_path or Path(
        f"{found.backbone}-{found.device}-{found.runtime.value}.trace{_PACKED}"
    )
    _write_trace(packed, path, found.profile_id)
    summary = summarise(found, str(path))
    if as_json:
        print_json(summary)
    else:
        print_profile(console, summary, by_layer=by == "layer")
        console.print()
    console.print(f"trace written to {path}; open it at {PERFETTO}", highlight=False)


def _check_request(
    name: str | None, device: str | None, profile_id: str | None, trace_path: Path | None
) -> None:
    """Refuses what cannot hold before anything is asked.

    Raises:
        EdgerankError: INVALID_INPUT.
    """
    given = [part is not None for part in (name, device, profile_id)]
    if given not in ([True, True, False], [False, False, True]):
        raise EdgerankError(
            ErrorCode.INVALID_INPUT,
            "name either a backbone and its --device, or an earlier profile with --stored ID",
        )
    if trace_path is not None and not trace_path.name.endswith((_PLAIN, _PACKED)):
        raise EdgerankError(
            ErrorCode.INVALID_INPUT,
            f"a trace cannot be written to {trace_path.name!r}: name a file that ends in "
            f"{_PLAIN} or {_PACKED}",
        )


def _follow(
    parts: Iterable[ProfileProgress | OperatorProfile | bytes], console: Console
) -> tuple[OperatorProfile, bytes]:
    """Waits for a profile and its compressed trace, and says meanwhile what goes on."""
    profile_id = ""
    found: OperatorProfile | None = None
    trace = bytearray()
    try:
        with console.status("") as status:
            for part in parts:
                match part:
                    case ProfileProgress():
                        if not profile_id:
                            profile_id = part.profile_id
                            console.print(f"profile {profile_id}", highlight=False)
                        status.update(Text(part.activity or part.phase.value))
                    case OperatorProfile():
                        found = part
                    case bytes():
                        trace += part
    except KeyboardInterrupt:
        if profile_id:
            console.print(
                f"the profile goes on: 'edgerank profile --stored {profile_id}' shows it, "
                f"'edgerank cancel {profile_id}' ends it",
                highlight=False,
            )
        raise
    assert found is not None  # The controller answers with a profile or with an error.
    return found, bytes(trace)


def _write_trace(packed: bytes, path: Path, profile_id: str) -> None:
    """Writes a trace, whole or not at all.

    Raises:
        EdgerankError: STORAGE when it cannot be written, EXECUTION for a trace that is none.
    """
    try:
        text = unpack_trace(packed)
        with replacing(path) as file:
            file.write(packed if path.name.endswith(_PACKED) else text)
    except TraceDoubtful as error:
        raise EdgerankError(ErrorCode.EXECUTION, f"the controller sent {error}") from error
    except OSError as error:
        raise EdgerankError(
            ErrorCode.STORAGE,
            f"cannot write {path}: {error.strerror or error}; write it elsewhere with "
            f"'edgerank profile --stored {profile_id} --trace FILE'",
        ) from error
