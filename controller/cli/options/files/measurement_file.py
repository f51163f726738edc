"""An export in JSON or JSON lines, read measurement by measurement: nothing in it is trusted."""

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from pydantic import TypeAdapter, ValidationError

from controller.domain.errors import EdgerankError, ErrorCode
from controller.domain.measurements import Measurement

READ_SUFFIXES: Final = (".json", ".jsonl")

# JSON spells a sample with up to ten characters, the wire with a fourth of that.
_LONGEST_LINE_BYTES: Final = 64_000_000
_CHUNK_BYTES: Final = 1 << 20


def digest_of(path: Path) -> str:
    """SHA-256 of a file, lower-case hex.

    Raises:
        EdgerankError: INVALID_INPUT for another kind of file, or one that cannot be read.
    """
    if path.suffix.lower() not in READ_SUFFIXES:
        raise EdgerankError(
            ErrorCode.INVALID_INPUT,
            f"cannot import {path.name!r}: .json and .jsonl files of 'edgerank export' have "
            "everything; .csv and .parquet have not, so export anew",
        )
    digest = hashlib.sha256()
    try:
        with path.open("rb") as file:
            while chunk := file.read(_CHUNK_BYTES):
                digest.update(chunk)
    except OSError as error:
        raise _unreadable(path, error.strerror or str(error)) from error
    return digest.hexdigest()


def read_measurements(path: Path) -> Iterator[Measurement]:
    """Each measurement of an export, one a line.

    Raises:
        EdgerankError: INVALID_INPUT, with the line that is none, and the first wrong field.
    """
    adapter = TypeAdapter(Measurement)
    try:
        with path.open("rb") as file:
            number = 0
            while line := file.readline(_LONGEST_LINE_BYTES + 1):
                number += 1
                if len(line) > _LONGEST_LINE_BYTES:
                    raise _unreadable(path, f"line {number} is longer than a measurement can be")
                # A list has a bracket at either end, and commas between.
                text = line.strip().removesuffix(b",")
                if text in (b"", b"[", b"]", b"[]"):
                    continue
                try:
                    yield adapter.validate_json(text, strict=False)
                except ValidationError as error:
                    raise _unreadable(path, f"line {number}, {_first(error)}") from error
    except OSError as error:
        raise _unreadable(path, error.strerror or str(error)) from error


def _first(error: ValidationError) -> str:
    first = error.errors(include_url=False, include_input=False)[0]
    where = ".".join(str(each) for each in first["loc"]) or "the whole"
    return f"{where}: {first['msg']}"


def _unreadable(path: Path, problem: str) -> EdgerankError:
    return EdgerankError(ErrorCode.INVALID_INPUT, f"cannot import {path.name!r}: {problem}")
