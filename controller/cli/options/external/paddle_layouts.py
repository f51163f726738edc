"""Folders and archives of Paddle 1.x to 2.6: which file is the program, which has parameters."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from controller.cli.options.external.archive import is_archive, unpacked
from controller.domain.catalog import check_size
from controller.domain.errors import EdgerankError, ErrorCode
from models.kinds import START_BYTES, kind_of

_PROGRAMS: Final = ("__model__", "model")
_PARAMETERS: Final = ("__params__", "params")
# Version and levels of detail of a tensor, which a network's parameters have none of.
_TENSOR_START: Final = bytes(12)


@contextmanager
def paddle_files(path: Path) -> Iterator[tuple[Path, ...]]:
    """Gives, while inside, the program in a folder or an archive, and one file of its parameters.

    Where each parameter has a file of its own, one is made of them.

    Raises:
        EdgerankError: INVALID_INPUT when there is not exactly one program with parameters; STORAGE
            when there is no room for the one file.
    """
    if is_archive(path):
        with unpacked(path) as folder, _files_in(_home(folder, path), path) as files:
            yield files
        return
    if not path.is_dir():
        raise _refused(
            f"{path} is {_what(path)}; name the folder with the program and its parameters, or its "
            ".tar"
        )
    with _files_in(path, path) as files:
        yield files


def _what(path: Path) -> str:
    """What stands where a folder should."""
    if not path.is_file():
        return "no folder"
    try:
        with path.open("rb") as stream:
            kind = kind_of(stream.read(START_BYTES))
    except OSError as error:
        raise _refused(f"{path} cannot be read: {error.strerror}") from error
    return "no folder" if kind is None else str(kind)


def _home(folder: Path, archive: Path) -> Path:
    """The one folder below with a program; the folder itself where there is none."""
    programs = [path for path in folder.rglob("*") if path.is_file() and _is_program(path)]
    homes = sorted({path.parent for path in programs})
    if len(homes) > 1:
        names = ", ".join(home.relative_to(folder).as_posix() for home in homes[:5])
        raise _refused(f"{archive} has programs in several folders ({names}); pack one alone")
    if homes:
        return homes[0]
    inside = [path for path in folder.iterdir() if path.is_dir()]
    return inside[0] if len(inside) == 1 else folder


@contextmanager
def _files_in(folder: Path, named: Path) -> Iterator[tuple[Path, ...]]:
    """The files of the one program in a folder, which a person named so."""
    try:
        pairs, apart = _pairs(folder), _tensors(folder)
    except OSError as error:
        raise _refused(f"{error.filename} cannot be read: {error.strerror}") from error
    if len(pairs) > 1:
        names = ", ".join(program.stem for program, _ in pairs)
        raise _refused(f"{named} has several programs ({names}); leave one in a folder of its own")
    if pairs:
        yield pairs[0]
        return
    program = folder / _PROGRAMS[0]
    if not program.is_file() or not apart:
        raise _refused(f"{named} has no program with its parameters{_hint(folder)}")
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


def _is_program(path: Path) -> bool:
    return path.suffix == ".pdmodel" or path.name in _PROGRAMS


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
    programs = [path for path in files.values() if _is_program(path)]
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
