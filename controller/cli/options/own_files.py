"""The files of an own model on a person's disk: found, checked for size, hashed, read in chunks."""

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path

from controller.cli.options.external.joining import in_one_file
from controller.domain.catalog import OwnFile, check_size
from controller.domain.errors import EdgerankError, ErrorCode
from models.digest import file_sha256

CHUNK_BYTES = 1 << 20


@contextmanager
def onnx_files(path: Path) -> Iterator[tuple[Path, ...]]:
    """Gives, while inside, the one file of an ONNX model, with what stands in files beside it.

    Raises:
        EdgerankError: INVALID_INPUT when it is no file, or too large; as `in_one_file`.
    """
    (file,) = _checked((path,))
    with in_one_file(file) as whole:
        yield (whole,)


def paddle_files(folder: Path) -> AbstractContextManager[tuple[Path, ...]]:
    """Gives the program and the parameters in a folder.

    Raises:
        EdgerankError: INVALID_INPUT when there is not exactly one pair, or it is too large.
    """
    if not folder.is_dir():
        raise _refused(f"{folder} is no folder; name the one with the .pdmodel and .pdiparams")
    pairs = [
        (model, model.with_suffix(".pdiparams"))
        for model in sorted(folder.glob("*.pdmodel"))
        if model.with_suffix(".pdiparams").is_file()
    ]
    if not pairs:
        raise _refused(
            f"{folder} has no .pdmodel with a .pdiparams of the same name{_hint(folder)}"
        )
    if len(pairs) > 1:
        names = ", ".join(model.stem for model, _ in pairs)
        raise _refused(f"{folder} has several programs ({names}); leave one in a folder of its own")
    return nullcontext(_checked(pairs[0]))


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


def _hint(folder: Path) -> str:
    if any(folder.glob("*.pdparams")):
        return (
            "; a .pdparams is a pickle of parameters without a program, which is not taken: save "
            "the network with paddle.jit.save"
        )
    if any(folder.glob("*.pdiparams")) and any(folder.glob("*.json")):
        return (
            "; a program in .json is Paddle 3's, which no converter reads: save it with Paddle 2.6"
        )
    return ""


def _checked(paths: tuple[Path, ...]) -> tuple[Path, ...]:
    for path in paths:
        if not path.is_file():
            raise _refused(f"{path} is no file")
    check_size(paths[0].name, sum(path.stat().st_size for path in paths))
    return paths


def _refused(sentence: str) -> EdgerankError:
    return EdgerankError(ErrorCode.INVALID_INPUT, sentence)


def _unreadable(path: Path | str, error: OSError) -> EdgerankError:
    return _refused(f"{path} cannot be read: {error.strerror}; no model was added")
