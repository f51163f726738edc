"""A native runner and the libraries beside it, on this side, for a board."""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pydantic import BaseModel, ValidationError

from controller.domain.errors import EdgerankError, ErrorCode
from controller.server.deploying.brought.elf import machine_of
from models.digest import file_sha256
from protos.runtimes import RUNNER, RUNNER_PROTOCOL, Runtime, library_among

_DIGEST_LETTERS: Final = 12


@dataclass(frozen=True, kw_only=True)
class NativeRunner:
    """A runner that is brought to a board.

    Attributes:
        files: the program, and what it loads.
        name: of its folder on a board; the same means the same files.
    """

    files: tuple[Path, ...]
    name: str


class _Told(BaseModel):
    """What a runner says of itself, as far as it matters here."""

    program: str
    protocol: int


def find_runner(folder: Path, machine: str) -> NativeRunner:
    """The runner for a machine in a folder, or in the folder of that machine in it.

    Raises:
        EdgerankError: INVALID_INPUT when there is none, or something is for another processor;
            STORAGE when it cannot be read.
    """
    try:
        files = _files(folder, machine)
        for each in files:
            _check(each, machine)
        told = "".join(f"{each.name} {file_sha256(each)}\n" for each in files)
    except OSError as error:
        raise EdgerankError(
            ErrorCode.STORAGE,
            f"{error.filename} cannot be read: {error.strerror}; let your user read it",
        ) from error
    name = hashlib.sha256(told.encode()).hexdigest()[:_DIGEST_LETTERS]
    return NativeRunner(files=files, name=name)


def check_told(printed: str, where: str) -> None:
    """A program that was asked on a board is a runner that this edgerank's agent speaks with.

    Raises:
        EdgerankError: INVALID_INPUT.
    """
    try:
        told = _Told.model_validate_json(printed)
    except ValidationError:
        told = _Told(program="", protocol=0)
    if told.program != RUNNER:
        raise EdgerankError(
            ErrorCode.INVALID_INPUT,
            f"what was brought to {where} as {RUNNER} is no native runner of edgerank: name with "
            "--runner-folder the folder that 'make native' prints",
        )
    if told.protocol != RUNNER_PROTOCOL:
        raise EdgerankError(
            ErrorCode.INVALID_INPUT,
            f"the native runner on {where} speaks protocol {told.protocol} and this edgerank "
            f"{RUNNER_PROTOCOL}: build the one of this version with 'make native', and name the "
            "folder that it prints with --runner-folder",
        )


def _files(folder: Path, machine: str) -> tuple[Path, ...]:
    places = (folder / machine, folder)
    place = next((each for each in places if (each / RUNNER).is_file()), None)
    if place is None:
        raise EdgerankError(
            ErrorCode.INVALID_INPUT,
            f"there is no {RUNNER} in {folder} or {folder / machine}: name with --runner-folder "
            "the folder that 'make native' prints",
        )
    there = sorted(place.iterdir())
    of_onnxruntime = library_among(Runtime.ONNXRUNTIME, there)
    shim = library_among(Runtime.PADDLELITE, there)
    # What the shim itself loads.
    beside = [each for each in there if shim is not None and each.match("libpaddle_*.so")]
    return (place / RUNNER, *filter(None, (of_onnxruntime, shim)), *beside)


def _check(path: Path, machine: str) -> None:
    built_for = machine_of(path)
    if built_for != machine:
        told = f"built for {built_for}" if built_for else "no program for x86_64 or aarch64"
        raise EdgerankError(
            ErrorCode.INVALID_INPUT,
            f"{path} is {told}, and the board is {machine}: put the one for {machine} there",
        )
