"""Folders as Paddle 1.x to 2.6 write them: which file is the program, which has the parameters."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from controller.domain.catalog import check_size
from controller.domain.errors import EdgerankError, ErrorCode

_PROGRAMS: Final = ("__model__", "model")
_PARAMETERS: Final = ("__params__", "params")
# Version and levels of detail of a tensor, which a network's parameters have none of.
_TENSOR_START: Final = bytes(12)


@contextmanager
def paddle_files(folder: Path) -> Iterator[tuple[Path, ...]]:
    """Gives, while inside, the program in a folder, and one file with its parameters.

    Where each parameter has a file of its own, one is made of them.

    Raises:
        EdgerankError: INVALID_INPUT when there is not exactly one program with parameters; STORAGE
            when there is no room for the one file.
    """
    if not folder.is_dir():
        raise _refused(f"{folder} is no folder; name the one with the program and its parameters")
    try:
        pairs, apart = _pairs(folder), _tensors(folder)
    except OSError as error:
        raise _refused(f"{error.filename} cannot be read: {error.strerror}") from error
    if len(pairs) > 1:
        names = ", ".join(program.stem for program, _ in pairs)
        raise _refused(f"{folder} has several programs ({names}); leave one in a folder of its own")
    if pairs:
        yield pairs[0]
        return
    program = folder / _PROGRAMS[0]
    if not program.is_file() or not apart:
        raise _refused(f"{folder} has no program with its parameters{_hint(folder)}")
    with tempfile.TemporaryDirectory(prefix="edgerank-") as made:
        yield program, _joined(apart, Path(made) / _PARAMETERS[0])


@contextmanager
def one_file(path: Path) -> Iterator[tuple[Path, ...]]:
    """Gives a file as it is.

    Raises:
        EdgerankError: INVALID_INPUT when it is no file.
    """
    if not path.is_file():
        raise _refused(f"{path} is no file")
    yield (path,)


@contextmanager
def program_and_parameters(program: Path, parameters: Path) -> Iterator[tuple[Path, ...]]:
    """Gives two files, whatever they are called.

    Raises:
        EdgerankError: INVALID_INPUT when one is no file.
    """
    for path in (program, parameters):
        if not path.is_file():
            raise _refused(f"{path} is no file")
    yield program, parameters


def _pairs(folder: Path) -> list[tuple[Path, Path]]:
    """Programs with the file that has their parameters."""
    files = {path.name: path for path in sorted(folder.iterdir()) if path.is_file()}
    modern = [
        (path, files[f"{path.stem}.pdiparams"])
        for path in files.values()
        if path.suffix == ".pdmodel" and f"{path.stem}.pdiparams" in files
    ]
    old = [
        (files[program], files[parameters])
        for program, parameters in zip(_PROGRAMS, _PARAMETERS, strict=True)
        if program in files and parameters in files
    ]
    if modern or old:
        return modern + old
    # Of other names, where there is no doubt.
    programs = [p for p in files.values() if p.suffix == ".pdmodel" or p.name in _PROGRAMS]
    parameters = [p for p in files.values() if p.suffix == ".pdiparams" or p.name in _PARAMETERS]
    if len(programs) == len(parameters) == 1:
        return [(programs[0], parameters[0])]
    return []


def _tensors(folder: Path) -> list[Path]:
    """The files that begin as a tensor does, in the order in which Paddle joins them."""
    found = []
    for path in sorted(folder.iterdir(), key=lambda path: path.name):
        if path.is_file():
            with path.open("rb") as stream:
                if stream.read(len(_TENSOR_START)) == _TENSOR_START:
                    found.append(path)
    return found


def _joined(paths: list[Path], whole: Path) -> Path:
    check_size(whole.name, sum(path.stat().st_size for path in paths))
    try:
        with whole.open("wb") as sink:
            for path in paths:
                with path.open("rb") as source:
                    shutil.copyfileobj(source, sink)
    except OSError as error:
        raise EdgerankError(
            ErrorCode.STORAGE,
            f"the parameters in {paths[0].parent} could not be joined: {error.strerror}",
        ) from error
    return whole


def _hint(folder: Path) -> str:
    if any(folder.glob("*.pdparams")):
        return (
            "; a .pdparams has weights without a program: say with --architecture which network "
            "of the catalog they are of, and name the file with --weights"
        )
    if any(folder.glob("*.pdiparams")) and any(folder.glob("*.json")):
        return (
            "; a program in .json is Paddle 3's, which no converter here reads: export it with "
            "FLAGS_enable_pir_api=0 set, or make ONNX of it with paddle2onnx 2 and add that"
        )
    return "; if they have other names, name both with --program and --params"


def _refused(sentence: str) -> EdgerankError:
    return EdgerankError(ErrorCode.INVALID_INPUT, sentence)
