"""ONNX with weights in files beside it: made one file, from its own folder and from nowhere else.

What the controller takes stays one file, so that nothing that reads it later follows a name that a
stranger wrote. A protobuf holds as much as a model may have.
"""

import mmap
import os
import stat
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from math import prod
from pathlib import Path, PurePosixPath
from typing import Any, Final

from google.protobuf.message import DecodeError, EncodeError

from controller.cli.options.external.wire import ELEMENT_BITS, EXTERNAL, parse, tensors
from controller.domain.catalog import check_size
from controller.domain.errors import EdgerankError, ErrorCode
from models.kinds import START_BYTES, kind_of

# The key of an entry that names a file, as its field and length stand before it.
_NAMING: Final = b"\x0a\x08location"


@contextmanager
def in_one_file(path: Path) -> Iterator[Path]:
    """Gives, while inside, a file with all of an ONNX model: its own, or one that is made of it.

    Raises:
        EdgerankError: INVALID_INPUT when a file beside it is missing, is no file of its own folder,
            or is too short; STORAGE when there is no room for the one file.
    """
    with ExitStack() as stack:
        model = _naming_others(path)
        if model is None:
            yield path
            return
        try:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="edgerank-")))
            whole = folder / path.name
            whole.write_bytes(_joined(path, model))
        except OSError as error:
            raise EdgerankError(
                ErrorCode.STORAGE,
                f"{path} could not be joined with the files beside it: {error.strerror}",
            ) from error
        yield whole


def _naming_others(path: Path) -> Any | None:
    """The model when tensors of it are in other files; what is no ONNX is told by who runs it."""
    try:
        with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as all_:
            content = all_[:] if all_.find(_NAMING) >= 0 else b""
    except OSError as error:
        raise _refused(f"{path} cannot be read: {error.strerror}; no model was added") from error
    except ValueError:
        # Nothing is in it.
        return None
    try:
        model = parse(content)
    except DecodeError:
        return None
    return model if any(map(_is_external, tensors(model))) else None


def _is_external(tensor: Any) -> bool:
    return bool(tensor.data_location == EXTERNAL)


def _joined(path: Path, model: Any) -> bytes:
    outside = [tensor for tensor in tensors(model) if _is_external(tensor)]
    size_bytes = path.stat().st_size + sum(_byte_count(path, tensor) for tensor in outside)
    check_size(path.name, size_bytes)
    with ExitStack() as stack:
        files: dict[str, int] = {}
        for tensor in outside:
            entries = {entry.key: entry.value for entry in tensor.external_data}
            location = _location(path, entries)
            if location not in files:
                files[location] = _opened(stack, path, location)
            tensor.raw_data = _bytes_at(path, location, files[location], entries, tensor)
            tensor.ClearField("external_data")
            tensor.ClearField("data_location")
    try:
        content: bytes = model.SerializeToString()
    except EncodeError as error:
        raise _refused(f"{path.name} has more than one file can hold, 2 GB") from error
    return content


def _byte_count(path: Path, tensor: Any) -> int:
    bits = ELEMENT_BITS.get(tensor.data_type)
    if bits is None or any(size < 0 for size in tensor.dims):
        raise _refused(f"{path.name} has a tensor in another file that is not of numbers")
    count: int = prod(tensor.dims)
    return -(-count * bits // 8)


def _location(path: Path, entries: Mapping[bytes, bytes]) -> str:
    """The name of a file below the model's folder."""
    location = entries.get(b"location", b"").decode(errors="replace")
    parts = PurePosixPath(location).parts
    if (
        not parts
        or not location.isprintable()
        or location.startswith("/")
        or ".." in parts
        or any(character in location for character in "\\:")
    ):
        raise _refused(
            f"{path.name} names {location[:80]!r} as a file of its weights, which is not in its "
            "own folder; no other file is read: save the model anew with its weights beside it"
        )
    return location


def _opened(stack: ExitStack, path: Path, location: str) -> int:
    """A descriptor of the file, reached from the model's folder without following a link."""
    parts = PurePosixPath(location).parts
    place: int | None = None
    try:
        for depth, part in enumerate((str(path.parent), *parts)):
            # A pipe in the place of a file is not waited for.
            flags = os.O_DIRECTORY if depth < len(parts) else os.O_NONBLOCK
            # The folder itself is the one that a person named, however they reach it.
            flags |= os.O_NOFOLLOW if depth else 0
            place = os.open(part, os.O_RDONLY | os.O_CLOEXEC | flags, dir_fd=place)
            stack.callback(os.close, place)
    except FileNotFoundError as error:
        raise _refused(
            f"{path.name} has weights in {location}, which is not beside it; put both in one folder"
        ) from error
    except OSError as error:
        ways = [path.parent.joinpath(*parts[:depth]) for depth in range(1, len(parts) + 1)]
        reason = f"cannot be read: {error.strerror}"
        if any(way.is_symlink() for way in ways):
            reason = "is a link, and links are not followed: copy the file itself there"
        raise _refused(f"{location} beside {path.name} {reason}") from error
    assert place is not None
    if not stat.S_ISREG(os.fstat(place).st_mode):
        raise _refused(f"{location} beside {path.name} is no file")
    return place


def _bytes_at(
    path: Path, location: str, file: int, entries: Mapping[bytes, bytes], tensor: Any
) -> bytes:
    needed = _byte_count(path, tensor)
    offset = _whole(path, entries.get(b"offset", b"0"))
    length = _whole(path, entries.get(b"length", str(needed).encode()))
    size = os.fstat(file).st_size
    if length != needed:
        raise _refused(
            f"{path.name} says that a tensor has {length} bytes in {location}, and its shape needs "
            f"{needed}: the file is damaged"
        )
    if offset + length > size:
        kind = kind_of(os.pread(file, START_BYTES, 0))
        if kind is not None and kind.stands_for_another:
            raise _refused(f"{location} beside {path.name} is {kind}")
        raise _refused(
            f"{location} has {size} bytes, and {path.name} needs {offset + length} of it: it is "
            "only a part, or of another model"
        )
    content = b""
    while len(content) < length:
        # One read gives 2 GB at most.
        block = os.pread(file, length - len(content), offset + len(content))
        if not block:
            raise _refused(f"{location} became shorter while it was read; add the model again")
        content = content + block if content else block
    return content


def _whole(path: Path, digits: bytes) -> int:
    if not digits.isdigit() or len(digits) > 18:
        raise _refused(f"{path.name} says where its weights are with {digits[:20]!r}, no number")
    return int(digits)


def _refused(sentence: str) -> EdgerankError:
    return EdgerankError(ErrorCode.INVALID_INPUT, sentence)
