"""What the bridge brings to a phone to measure with: our runner, and the runtimes' libraries."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from agent.artifacts.files import digest_of
from agent.bridge.elf import NoElf, read_built
from agent.errors import INPUT_EXIT_CODE, AgentError
from protos.runtimes import Runtime

PROGRAM: Final = "edgerank-runner"
_SHIM: Final = "libedgerank_paddlelite.so"
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
class Kit:
    """Files of this computer.

    Attributes:
        program: the runner.
        libraries: what the runner loads, by runtime.
        beside: what these need beside them.
    """

    program: Path
    libraries: Mapping[Runtime, Path]
    beside: tuple[Path, ...] = ()

    @property
    def files(self) -> tuple[Path, ...]:
        """All of them."""
        return (self.program, *self.libraries.values(), *self.beside)

    @property
    def digest(self) -> str:
        """Of their names and bytes."""
        whole = hashlib.sha256()
        for path in sorted(self.files):
            with path.open("rb") as stream:
                whole.update(f"{path.name} {digest_of(stream).hexdigest()}\n".encode())
        return whole.hexdigest()


def architecture_of(abi: str, machine: str) -> str:
    """What programs for the phone are built for, by its first ABI, or by `uname -m` without one."""
    return _OF_ABI.get(abi, machine)


def find_kit(folder: Path, architecture: str) -> Kit:
    """What a folder, or its own folder for the architecture, has for such a phone.

    Raises:
        KitUnfit: there is no runner or no library in it, or they are for another processor.
    """
    places = [each for each in (folder / architecture, folder) if (each / PROGRAM).is_file()]
    if not places:
        raise KitUnfit(
            f"there is no {PROGRAM} in {folder} or {folder / architecture}: name with "
            "--runner-folder where the runner for this phone and its runtime's library are"
        )
    place = places[0]
    libraries = {}
    of_onnxruntime = sorted(each for each in place.glob("libonnxruntime.so*") if each.is_file())
    if of_onnxruntime:
        # The longest name tells the version.
        libraries[Runtime.ONNXRUNTIME] = max(of_onnxruntime, key=lambda each: len(each.name))
    beside: tuple[Path, ...] = ()
    if (place / _SHIM).is_file():
        libraries[Runtime.PADDLELITE] = place / _SHIM
        beside = tuple(sorted(place.glob("libpaddle_*.so")))
    if not libraries:
        raise KitUnfit(
            f"there is no runtime in {place}: put libonnxruntime.so there, or {_SHIM} with Paddle "
            "Lite's own library"
        )
    kit = Kit(program=place / PROGRAM, libraries=libraries, beside=beside)
    for path in kit.files:
        _check(path, architecture)
    return kit


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
