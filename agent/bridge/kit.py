"""What the bridge brings to a phone to measure with: our runner, or a runtime's own program."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Final

from agent.artifacts.files import digest_of
from agent.bridge.elf import NoElf, read_built
from agent.errors import INPUT_EXIT_CODE, AgentError
from protos.runtimes import PADDLELITE_SHIM, RUNNER, Runtime, library_among

# The programs that come with the runtimes.
_PROGRAMS: Final = {
    Runtime.PADDLELITE: "benchmark_bin",
    Runtime.ONNXRUNTIME: "onnxruntime_perf_test",
}
_OPTIONS: Final = {
    Runtime.PADDLELITE: "--paddlelite-bin",
    Runtime.ONNXRUNTIME: "--onnxruntime-perf-test",
}
# What Android calls the machines of its ABIs.
_OF_ABI: Final = {
    "arm64-v8a": "aarch64",
    "armeabi-v7a": "armv7l",
    "x86": "i686",
    "x86_64": "x86_64",
}


class KitUnfit(AgentError):
    """What is to be brought to the phone is not there, or does not run there."""

    exit_code = INPUT_EXIT_CODE


@dataclass(frozen=True, kw_only=True)
class Brought:
    """A program that is brought to a phone, with what it loads.

    Attributes:
        program: its file on this computer.
        beside: what it needs in its folder.
    """

    program: Path
    beside: tuple[Path, ...] = ()

    @property
    def files(self) -> tuple[Path, ...]:
        """All of them."""
        return (self.program, *self.beside)

    @property
    def digest(self) -> str:
        """Of their names and bytes."""
        whole = hashlib.sha256()
        for path in sorted(self.files):
            with path.open("rb") as stream:
                whole.update(f"{path.name} {digest_of(stream).hexdigest()}\n".encode())
        return whole.hexdigest()


@dataclass(frozen=True, kw_only=True)
class Kit:
    """What measures on a phone, by runtime.

    Attributes:
        runner: ours, with all that it loads; None where each runtime has a program.
        libraries: what the runner loads.
        programs: of the runtimes' own.
        architecture: that all of it is built for.
    """

    runner: Brought | None
    libraries: Mapping[Runtime, Path]
    architecture: str
    programs: Mapping[Runtime, Brought] = field(default_factory=dict)

    @property
    def all(self) -> tuple[Brought, ...]:
        """Everything that is brought."""
        return (*(() if self.runner is None else (self.runner,)), *self.programs.values())


def architecture_of(abi: str, machine: str) -> str:
    """What programs for the phone are built for, by its first ABI, or by `uname -m` without one."""
    return _OF_ABI.get(abi, machine)


def find_kit(
    runner_folder: Path | None,
    architecture: str,
    programs: Mapping[Runtime, Path] = MappingProxyType({}),
) -> Kit:
    """What there is for a phone of an architecture.

    Args:
        runner_folder: has our runner, or a folder for the architecture that has it; None is none.
        architecture: of the phone.
        programs: runtimes' own, which come before the runner: each a file, or a folder as that.

    Raises:
        KitUnfit: something is not there, or is for another processor.
    """
    others = {runtime: _brought(path, runtime, architecture) for runtime, path in programs.items()}
    runner: Brought | None = None
    libraries: dict[Runtime, Path] = {}
    if runner_folder is not None:
        runner, found = _runner(runner_folder, architecture)
        libraries = {each: path for each, path in found.items() if each not in others}
    kit = Kit(
        runner=runner if libraries else None,
        libraries=libraries,
        programs=others,
        architecture=architecture,
    )
    for each in kit.all:
        for path in each.files:
            _check(path, architecture)
    return kit


def _runner(folder: Path, architecture: str) -> tuple[Brought, dict[Runtime, Path]]:
    place = _place(folder, architecture, RUNNER)
    if place is None:
        raise KitUnfit(
            f"there is no {RUNNER} in {folder} or {folder / architecture}: name with "
            "--runner-folder where the runner for this phone and its runtime's library are"
        )
    libraries = {
        runtime: library
        for runtime in (Runtime.ONNXRUNTIME, Runtime.PADDLELITE)
        if (library := library_among(runtime, place.glob("lib*.so*"))) is not None
    }
    beside: tuple[Path, ...] = ()
    if Runtime.PADDLELITE in libraries:
        beside = tuple(sorted(place.glob("libpaddle_*.so")))
    if not libraries:
        raise KitUnfit(
            f"there is no runtime in {place}: put libonnxruntime.so there, or {PADDLELITE_SHIM} "
            "with Paddle Lite's own library"
        )
    return Brought(program=place / RUNNER, beside=(*libraries.values(), *beside)), libraries


def _brought(path: Path, runtime: Runtime, architecture: str) -> Brought:
    name = _PROGRAMS[runtime]
    program = path
    if path.is_dir():
        place = _place(path, architecture, name)
        if place is None:
            raise KitUnfit(
                f"there is no {name} in {path} or {path / architecture}: name with "
                f"{_OPTIONS[runtime]} the one that was built for this phone"
            )
        program = place / name
    if not program.is_file():
        raise KitUnfit(
            f"there is no {program}: name with {_OPTIONS[runtime]} the {name} that was built for "
            "this phone, or the folder that it is in"
        )
    libraries = (each for each in program.parent.glob("lib*.so*") if each.is_file())
    return Brought(program=program.absolute(), beside=tuple(sorted(libraries)))


def _place(folder: Path, architecture: str, name: str) -> Path | None:
    places = (folder / architecture, folder)
    return next((each for each in places if (each / name).is_file()), None)


def _check(path: Path, architecture: str) -> None:
    try:
        built = read_built(path)
    except NoElf as error:
        raise KitUnfit(f"{error}: put the one that was built for this phone there") from error
    if built.architecture != architecture:
        raise KitUnfit(
            f"{path} is built for {built.architecture or 'another processor'}, and this phone "
            f"takes {architecture}: put the one for {architecture} there"
        )
