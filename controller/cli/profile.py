"""`edgerank profile`: where the time of an inference goes, operator by operator."""

import itertools
import uuid
from collections.abc import Iterable
from pathlib import Path

import click
from rich.console import Console
from rich.text import Text

from controller.cli.options.asking import controller_option, json_option
from controller.cli.options.backbones import complete_backbone
from controller.cli.options.failures import says_failures
from controller.cli.options.files.output_path import check_output
from controller.cli.options.grouping import GroupedCommand
from controller.cli.options.profiling import (
    PACKED_TRACE,
    PLAIN_TRACE,
    ProfiledInferences,
    ShownBy,
    ShownProfile,
    profiled_options,
    shown_options,
)
from controller.cli.options.runtime import RuntimeSettings, runtime_options
from controller.cli.options.start_gate import gate_options
from controller.cli.printing.documents import print_json
from controller.cli.printing.profile import print_profile
from controller.cli.printing.telling import Teller, looked_at, print_line
from controller.cli.sweeps.starting import findable, teller_of_loss
from controller.client import QueryClient
from controller.domain.errors import EdgerankError, ErrorCode
from controller.domain.profiles import (
    OperatorProfile,
    ProfileProgress,
    ProfileSpec,
    TraceDoubtful,
    unpack_trace,
)
from controller.views.activities import activities_words
from controller.views.operator_times import summarise
from models.files import replacing
from protos.measuring import StartGate

PERFETTO = "https://ui.perfetto.dev"


@click.command(cls=GroupedCommand)
@click.argument("name", required=False, shell_complete=complete_backbone)
@profiled_options
@runtime_options
@gate_options
@shown_options
@controller_option
@json_option
@says_failures
def profile(
    *,
    name: str | None,
    profiled: ProfiledInferences,
    runtime_settings: RuntimeSettings,
    gate: StartGate,
    shown: ShownProfile,
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
    console = Console(stderr=as_json)
    wanted = _wanted(name, profiled, runtime_settings, gate, shown)
    if shown.trace_path is not None:
        check_output(shown.trace_path, "name another with --trace")
    with QueryClient(address) as client:
        found, packed = _followed(client, wanted, console)
    if shown.trace_path is not None:
        _write_trace(packed, shown.trace_path, found.profile_id)
    summary = summarise(found, None if shown.trace_path is None else str(shown.trace_path))
    if as_json:
        print_json(summary)
    else:
        print_profile(console, summary, by_layer=shown.by is ShownBy.LAYER)
    if shown.trace_path is not None:
        _say_where(shown.trace_path, console)


def _followed(
    client: QueryClient, wanted: ProfileSpec | str, console: Console
) -> tuple[OperatorProfile, bytes]:
    """A profile and its compressed trace, started once though the connection breaks."""
    request_id = uuid.uuid4().hex
    parts = looked_at(
        client.profile(wanted, request_id, teller_of_loss(client, console, "profile"))
    )
    if isinstance(wanted, str):
        return _follow(parts, console)
    with findable(console, "profile", "edgerank profile --stored", request_id):
        first = next(part for part in parts if part is not None)
    return _follow(itertools.chain((first,), parts), console)


def _say_where(trace_path: Path, console: Console) -> None:
    print_line(console, f"\ntrace written to {trace_path}; open it at {PERFETTO}")


def _wanted(
    name: str | None,
    profiled: ProfiledInferences,
    runtime_settings: RuntimeSettings,
    gate: StartGate,
    shown: ShownProfile,
) -> ProfileSpec | str:
    """What is asked for: a new profile, or the id of an earlier one.

    Raises:
        EdgerankError: INVALID_INPUT for what cannot hold, before anything is asked.
    """
    path = shown.trace_path
    if path is not None and not path.name.endswith((PLAIN_TRACE, PACKED_TRACE)):
        raise EdgerankError(
            ErrorCode.INVALID_INPUT,
            f"a trace cannot be written to {path.name!r}: name a file that ends in "
            f"{PLAIN_TRACE} or {PACKED_TRACE}",
        )
    match name, profiled.device, shown.profile_id:
        case str(), str(device), None:
            return ProfileSpec(
                backbone=name,
                device=device,
                runtime=profiled.runtime,
                threads=profiled.threads,
                weights=profiled.weights,
                precision=profiled.precision,
                batch=profiled.batch,
                run_count=profiled.run_count,
                input_size=profiled.input_size,
                cores=runtime_settings.cores,
                flush_denormals=runtime_settings.flush_denormals,
                onnxruntime=runtime_settings.onnxruntime,
                gate=gate,
            )
        case None, None, str(profile_id):
            return profile_id
    raise EdgerankError(
        ErrorCode.INVALID_INPUT,
        "name either a backbone and its --device, or an earlier profile with --stored ID",
    )


def _follow(
    parts: Iterable[ProfileProgress | OperatorProfile | bytes | None], console: Console
) -> tuple[OperatorProfile, bytes]:
    """Waits for a profile and its compressed trace, and says meanwhile what goes on."""
    profile_id = ""
    found: OperatorProfile | None = None
    trace = bytearray()
    teller = Teller(console)
    try:
        with console.status("") as status:
            for part in parts:
                match part:
                    case None:
                        teller.look()
                    case ProfileProgress():
                        if not profile_id:
                            profile_id = part.profile_id
                            print_line(console, f"profile {profile_id}")
                        phase = part.phase.value
                        status.update(Text(activities_words(part.activities) or phase))
                        teller.held_up(part.held_up)
                        teller.goes_on(part.activities, phase, "waiting")
                    case OperatorProfile():
                        found = part
                    case bytes():
                        trace += part
    except KeyboardInterrupt:
        if profile_id:
            print_line(
                console,
                f"the profile goes on: 'edgerank profile --stored {profile_id}' shows it, "
                f"'edgerank cancel {profile_id}' ends it",
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
            file.write(packed if path.name.endswith(PACKED_TRACE) else text)
    except TraceDoubtful as error:
        raise EdgerankError(ErrorCode.EXECUTION, f"the controller sent {error}") from error
    except OSError as error:
        raise EdgerankError(
            ErrorCode.STORAGE,
            f"cannot write {path}: {error.strerror or error}; write it elsewhere with "
            f"'edgerank profile --stored {profile_id} --trace FILE'",
        ) from error
