"""The inference runtimes behind one small interface.

Each runtime lives in a module of its own, imported by name and only inside a measuring child: a
runtime that the device lacks, or that crashes when it is loaded, is no concern of the agent.
"""

import importlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import metadata, util
from pathlib import Path
from types import MappingProxyType
from typing import Any, Protocol, cast

from numpy.typing import NDArray

from protos.runtimes import OnnxRuntimeOptions, Runtime, RuntimeInfo

InputArray = NDArray[Any]

_MODULES: Mapping[Runtime, str] = MappingProxyType(
    {
        Runtime.ONNXRUNTIME: "agent.runtimes.onnxruntime",
        Runtime.PADDLELITE: "agent.runtimes.paddlelite",
    }
)


class RuntimeRefused(Exception):
    """The runtime cannot load the artifact, or not with these settings."""


@dataclass(frozen=True, kw_only=True)
class LoadSettings:
    """How a network is made ready to run; a runtime's own options concern that one only.

    Attributes:
        threads: exactly as many compute.
        flush_denormals: set in this process already; a runtime that decides it itself is told.
    """

    threads: int
    flush_denormals: bool = False
    onnxruntime: OnnxRuntimeOptions | None = None


class Network(Protocol):
    """A loaded artifact."""

    def build(self) -> str:
        """What the library says of its own build."""

    def set_input(self, images: InputArray, constants: Mapping[str, InputArray]) -> None:
        """Give what every run computes on: images, and the other inputs by name.

        Raises:
            RuntimeRefused: the artifact has other inputs.
        """

    def run(self) -> object:
        """Compute once; the only call that is timed.

        Raises:
            RuntimeRefused: the runtime could not compute.
        """

    def compute(self) -> Sequence[InputArray]:
        """Compute once as `run` does, and give the outputs in the network's order.

        Raises:
            RuntimeRefused: likewise.
        """


class ProfiledNetwork(Network, Protocol):
    """A loaded artifact whose runtime writes down what each operator takes."""

    def end_profiling(self) -> Path:
        """Stop writing; the trace, as `agent.child.operator_profile` reads it."""


class RuntimeModule(Protocol):
    """What a module of this package offers."""

    def build(self) -> str:
        """What the library says of its own build; empty when it needs a network to say it."""

    def execution_providers(self) -> tuple[str, ...]:
        """What this build can compute with, by the library's own names; empty when it has one."""

    def extra_kernels(self) -> bool | None:
        """Whether a Paddle Lite has its extra kernels; None is unknown, or no question."""

    def load(self, artifact: Path, settings: LoadSettings) -> Network:
        """Make an artifact ready to run, exactly so.

        Raises:
            RuntimeRefused: the runtime does not take the artifact or the settings.
        """

    def load_profiled(
        self, artifact: Path, settings: LoadSettings, folder: Path
    ) -> ProfiledNetwork:
        """The same with the runtime's profiler on, whose trace comes into `folder`.

        Raises:
            RuntimeRefused: likewise, or this build of the runtime has no profiler that we read.
        """


def named_inputs(
    names: Sequence[str], images: InputArray, constants: Mapping[str, InputArray]
) -> dict[str, InputArray]:
    """What each input of an artifact is given: the images are for the one without a constant.

    Raises:
        RuntimeRefused: the artifact has other inputs.
    """
    rest = [name for name in names if name not in constants]
    if len(rest) != 1 or len(names) != len(constants) + 1:
        raise RuntimeRefused(
            f"the artifact has the inputs {', '.join(names)}, and is to be given images and "
            f"{', '.join(constants) or 'nothing else'}"
        )
    return {rest[0]: images, **constants}


def import_runtime(runtime: Runtime) -> RuntimeModule:
    """The runtime's module, with the library behind it loaded into this process.

    Raises:
        ImportError: the library is not installed, or does not load here.
    """
    return cast(RuntimeModule, importlib.import_module(_MODULES[runtime]))


def available_runtimes() -> tuple[RuntimeInfo, ...]:
    """The runtimes that are installed, found without loading them."""
    found = ((runtime, _installed_version(runtime.value)) for runtime in _MODULES)
    return tuple(RuntimeInfo(runtime=each, version=version) for each, version in found if version)


def _installed_version(module: str) -> str | None:
    """The version of the distribution that brings a top-level module; None when there is none.

    Builds for accelerators come under names of their own (onnxruntime-openvino) and bring the
    same module.
    """
    if util.find_spec(module) is None:
        return None
    try:
        return metadata.version(module)
    except metadata.PackageNotFoundError:
        brought_by = metadata.packages_distributions().get(module, [])
        return metadata.version(brought_by[0]) if brought_by else "unknown"
