"""What a person asks to be swept: by options, by a file, or by a file and options beside it."""

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource
from rich.console import Console

from controller.cli.options.failures import Command, CommandFailed, says_failures
from controller.cli.options.runtime import RuntimeSettings, runtime_options
from controller.cli.options.start_gate import gate_options
from controller.cli.options.sweeping import (
    MeasuringRules,
    SweptSettings,
    Urgency,
    measuring_options,
    swept_options,
    urgency_options,
)
from controller.cli.options.values import read_list
from controller.cli.options.variants import WantedVariants, variant_options
from controller.cli.printing.telling import print_line
from controller.domain.errors import EdgerankError, ErrorCode
from controller.domain.names import meant_by
from controller.domain.sweeps import SweepSpec
from models.catalog.catalog import Backbone, Catalog
from protos.measuring import StartGate

if TYPE_CHECKING:
    from controller.cli.sweeps.files.reading import SweepFile


@dataclass(frozen=True, kw_only=True)
class AskedSweep:
    """What a person asks for.

    Attributes:
        written: the sweep, with the words for its backbones in their place.
        file: where it was read from; None for options alone.
        overridden: options that stand beside a file that says the same field.
    """

    written: SweepSpec
    file: "SweepFile | None"
    overridden: tuple[str, ...]

    def spec(self, catalog: Catalog) -> SweepSpec:
        """The sweep, of the backbones that its words mean.

        Raises:
            EdgerankError: UNKNOWN_NAME for every word that means nothing, where it stands.
        """
        chosen: dict[str, Backbone] = {}
        errors: list[str] = []
        for number, word in enumerate(self.written.backbones):
            found, problem = _understood(word, catalog)
            chosen.update((each.name, each) for each in found)
            errors += [f"{self._place(number)}{problem}"] if problem else []
        if errors:
            raise EdgerankError(ErrorCode.UNKNOWN_NAME, "\n".join(errors))
        return replace(self.written, backbones=tuple(chosen))

    def _place(self, number: int) -> str:
        """Where a word for backbones stands; empty where that is the command line."""
        if self.file is None or "models" in self.overridden:
            return ""
        return f"{self.file.place('models', number)}: models: "


def _understood(word: str, catalog: Catalog) -> tuple[Sequence[Backbone], str]:
    """What a word for backbones means, or why it means nothing."""
    try:
        return meant_by(word, catalog), ""
    except EdgerankError as error:
        return (), str(error)


def say_overridden(console: Console, asked: AskedSweep) -> None:
    """Say which fields of a file do not count, since options beside it say otherwise."""
    if asked.file is not None and asked.overridden:
        options = ", ".join(f"--{option}" for option in asked.overridden)
        print_line(console, f"as given, not as in {asked.file.name}: {options}")


def asked_options(command: Command) -> Command:
    """The options of a sweep and the file in their place; the command takes them as `asked`."""

    @says_failures
    @functools.wraps(command)
    def run(*args: Any, file: "SweepFile | None", **kwargs: Any) -> Any:
        written = _written(**{name: kwargs.pop(name) for name in _GROUPS})
        overridden = () if file is None else _overridden(file)
        asked = AskedSweep(written=written, file=file, overridden=overridden)
        return command(*args, asked=asked, **kwargs)

    asking: Callable[..., Any] = run
    for options in reversed(tuple(_GROUPS.values())):
        asking = options(asking)
    return _file_argument(asking)  # type: ignore[return-value]


def _written(
    *,
    swept: SweptSettings,
    variants: WantedVariants,
    runtime_settings: RuntimeSettings,
    rules: MeasuringRules,
    gate: StartGate,
    urgency: Urgency,
) -> SweepSpec:
    return SweepSpec(
        backbones=tuple(read_list(swept.names)),
        devices=swept.devices,
        runtimes=swept.runtimes,
        threads=swept.threads,
        weights=variants.weights,
        fewest_repetitions=rules.fewest_repetitions,
        most_repetitions=rules.most_repetitions,
        relative_half_width=rules.relative_half_width,
        time_budget_ms=rules.time_budget_ms,
        precisions=variants.precisions,
        input_sizes=variants.input_sizes,
        batches=variants.batches,
        sentinel=rules.sentinel,
        name=swept.name,
        gate=gate,
        cores=runtime_settings.cores,
        flush_denormals=runtime_settings.flush_denormals,
        onnxruntime=runtime_settings.onnxruntime,
        sustained_minutes=rules.sustained_minutes,
        paced_fps=rules.paced_fps,
        accelerators=swept.accelerators,
        time_ms=rules.time_ms,
        priority=urgency.priority,
        deadline_unix_ms=urgency.deadline_unix_ms,
        fresh=swept.fresh,
    )


_GROUPS = {
    "swept": swept_options,
    "variants": variant_options,
    "runtime_settings": runtime_options,
    "rules": measuring_options,
    "gate": gate_options,
    "urgency": urgency_options,
}


def _overridden(file: "SweepFile") -> tuple[str, ...]:
    context = click.get_current_context()
    return tuple(
        field
        for field, param in file.params.items()
        if context.get_parameter_source(param) is ParameterSource.COMMANDLINE
    )


def _take_file(
    context: click.Context, _param: click.Parameter, path: str | None
) -> "SweepFile | None":
    """Lets a file's fields stand for options that are not given."""
    if path is None or context.resilient_parsing:
        return None
    # A command without a file waits for no library that reads one.
    from controller.cli.sweeps.files.reading import read_sweep_file  # noqa: PLC0415

    try:
        file = read_sweep_file(path, context.command)
    except EdgerankError as error:
        raise CommandFailed(error) from error
    context.default_map = {**(context.default_map or {}), **file.defaults}
    return file


_file_argument = click.argument(
    "file",
    metavar="[FILE.yaml]",
    required=False,
    # Before the options, which it gives their defaults.
    is_eager=True,
    callback=_take_file,
)
