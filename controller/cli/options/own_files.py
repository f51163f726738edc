"""The files of an own model on a person's disk: found, checked for size, hashed, read in chunks."""

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from controller.cli.options.external.joining import in_one_file
from controller.cli.options.external.paddle_layouts import (
    one_file,
    paddle_files,
    program_and_parameters,
)
from controller.domain.catalog import OwnFile, check_size
from controller.domain.errors import EdgerankError, ErrorCode
from models.catalog.own import OwnFormat
from models.digest import file_sha256

CHUNK_BYTES = 1 << 20


def brought(
    onnx: Path | None,
    paddle: Path | None,
    program: Path | None,
    parameters: Path | None,
    weights: Path | None = None,
) -> tuple[OwnFormat, AbstractContextManager[tuple[Path, ...]]]:
    """What a person names, and what gives its files in the order in which they travel.

    Raises:
        EdgerankError: INVALID_INPUT unless one ONNX file, one folder, a program with its
            parameters, or weights are named. The files are looked at when they are asked for:
            INVALID_INPUT, too, when one is missing, too large, or the folder has not exactly one
            program.
    """
    pair = (program, parameters)
    whole = sum(each is not None for each in (onnx, paddle, weights))
    if whole + any(pair) != 1 or any(pair) != all(pair):
        raise _refused(
            "say what to add: --onnx FILE, --paddle DIR, --program FILE with --params FILE, or "
            "--architecture NAME with --weights FILE"
        )
    if weights:
        return OwnFormat.WEIGHTS, _within_size(one_file(weights))
    if onnx:
        return OwnFormat.ONNX, _onnx_files(onnx)
    if paddle:
        return OwnFormat.PADDLE, _within_size(paddle_files(paddle))
    assert program is not None
    assert parameters is not None
    return OwnFormat.PADDLE, _within_size(program_and_parameters(program, parameters))


def check_weights(weights: Path | None, architecture: str | None, classes: int | None) -> None:
    """Refuse weights of nobody knows what, and what is said of weights without any.

    Raises:
        EdgerankError: INVALID_INPUT.
    """
    if (weights is None) != (architecture is None) or (classes and not weights):
        raise _refused(
            "--weights goes with --architecture, which says what they are of, and --classes goes "
            "with both"
        )


@contextmanager
def _onnx_files(path: Path) -> Iterator[tuple[Path, ...]]:
    if not path.is_file():
        raise _refused(f"{path} is no file")
    check_size(path.name, path.stat().st_size)
    with in_one_file(path) as whole:
        yield (whole,)


@contextmanager
def _within_size(
    finding: AbstractContextManager[tuple[Path, ...]],
) -> Iterator[tuple[Path, ...]]:
    with finding as files:
        check_size(files[0].name, sum(file.stat().st_size for file in files))
        yield files


def described(paths: Sequence[Path]) -> tuple[OwnFile, ...]:
    """Size and SHA-256 of each file.

    Raises:
        EdgerankError: INVALID_INPUT when one cannot be read.
    """
    try:
        return tuple(
            OwnFile(size_bytes=path.stat().st_size, sha256=file_sha256(path)) for path in paths
        )
    except OSError as error:
        raise _unreadable(error.filename, error) from error


@contextmanager
def reading(paths: Sequence[Path]) -> Iterator[Iterator[bytes]]:
    """Gives the bytes of the files, one after the other, to be sent in the block.

    They end early where a file cannot be read: gRPC takes them in a thread of its own, and prints
    the traceback of what is raised there.

    Raises:
        EdgerankError: INVALID_INPUT when the block fails since a file could not be read.
    """
    failed: list[tuple[Path, OSError]] = []

    def chunks() -> Iterator[bytes]:
        for path in paths:
            yield from _blocks(path, failed)
            if failed:
                return

    try:
        yield chunks()
    except EdgerankError:
        # The controller says that the bytes ended early; this is why.
        for path, error in failed:
            raise _unreadable(path, error) from error
        raise


def _blocks(path: Path, failed: list[tuple[Path, OSError]]) -> Iterator[bytes]:
    try:
        with path.open("rb") as file:
            while block := file.read(CHUNK_BYTES):
                yield block
    except OSError as error:
        failed.append((path, error))


def _refused(sentence: str) -> EdgerankError:
    return EdgerankError(ErrorCode.INVALID_INPUT, sentence)


def _unreadable(path: Path | str, error: OSError) -> EdgerankError:
    return _refused(f"{path} cannot be read: {error.strerror}; no model was added")
