"""What a file is that people take for a model, by its first bytes."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

PICKLE: Final = "a pickle"
"""What weights of Paddle are, among other things."""
START_BYTES: Final = 512
"""How many of its first bytes tell what a file is."""

_LFS_POINTER: Final = "a Git LFS pointer"
_WEB_PAGE: Final = "a web page"

# By a pattern: what it is, and what to do where that is not plain.
_STARTS: Mapping[str, tuple[str, str]] = {
    r"\Z": ("empty", ""),
    r"version https://git-lfs": (
        _LFS_POINTER,
        "get what it points to with 'git lfs pull'",
    ),
    r"(\xef\xbb\xbf)?\s*<(!doctype html|html)": (_WEB_PAGE, "download the file itself"),
    r"(\xef\xbb\xbf)?\s*<\?xml": ("an XML file", ""),
    # These two begin with where their content starts, and then say what they are.
    r"....ORTM": ("of ONNX Runtime's own format (.ort)", "add the .onnx that it was made from"),
    r"....TFL3": ("a TensorFlow Lite model (.tflite)", "convert it to ONNX"),
    # The length of the header in 64 bits, then the header.
    r".{5}\0\0\0\s*\{\s*\"": ("weights without a network (safetensors)", "export it to ONNX"),
    # How it is written in 16 bits, then the tool's version.
    r"[\x00-\x03]\0v?\d+\.\d": (
        "a Paddle Lite model (.nb)",
        "add the program that it was made from",
    ),
    r"PK\x03\x04.{26}[^/]*/(data\.pkl|\.format_version|byteorder)": (
        "a PyTorch checkpoint",
        "export it to ONNX",
    ),
    r"PK\x03\x04": ("a zip archive", ""),
    r"\s*\{\s*\"base_code\"": (
        "a program of Paddle 3 (.json)",
        "export it with FLAGS_enable_pir_api=0 set, or to ONNX",
    ),
    r"\s*\{": ("a JSON file", ""),
    r"\x89PNG": ("a PNG image", ""),
    r"\xff\xd8\xff": ("a JPEG image", ""),
    r"\x1f\x8b": ("a gzip archive", ""),
    r"\x89HDF": ("an HDF5 file", ""),
    r"\x80[\x02-\x05]": (PICKLE, ""),
}


@dataclass(frozen=True, slots=True)
class Kind:
    """What a file is.

    Attributes:
        name: with its article: a web page.
        remedy: what to do, as a clause; empty where that is plain.
    """

    name: str
    remedy: str

    def __str__(self) -> str:
        """Say what it is and what to do: a web page; download the file itself."""
        return f"{self.name}; {self.remedy}" if self.remedy else self.name

    @property
    def stands_for_another(self) -> bool:
        """Whether it is what people get in the place of the file that they meant."""
        return self.name in (_LFS_POINTER, _WEB_PAGE)


_KINDS: Final = {
    re.compile(start.encode(), re.DOTALL | re.IGNORECASE): Kind(*said)
    for start, said in _STARTS.items()
}


def kind_of(start: bytes, wanted: str = "") -> Kind | None:
    """Return what a file is that begins so; None where nothing is known of it.

    Args:
        start: its first bytes, at most `START_BYTES`.
        wanted: the kind that it may be, which is not told.
    """
    for pattern, kind in _KINDS.items():
        if kind.name != wanted and pattern.match(start):
            return kind
    return None
