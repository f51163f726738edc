"""What a file is that people take for a model, by its first bytes."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from models.steps.refusal import StepRefused

PICKLE = "a pickle"
"""What weights of Paddle are, among other things."""

_START_BYTES = 512

# By a pattern: what it is, and what to do where that is not plain.
_STARTS: Mapping[str, tuple[str, str]] = {
    r"\Z": ("empty", ""),
    r"version https://git-lfs": (
        "a Git LFS pointer",
        "get what it points to with 'git lfs pull'",
    ),
    r"(\xef\xbb\xbf)?\s*<(!doctype html|html)": ("a web page", "download the file itself"),
    r"(\xef\xbb\xbf)?\s*<\?xml": ("an XML file", ""),
    # These two begin with where their content starts, and then say what they are.
    r"....ORTM": ("of ONNX Runtime's own format (.ort)", "add the .onnx that it was made from"),
    r"....TFL3": ("a TensorFlow Lite model (.tflite)", "convert it to ONNX"),
    # The length of the header in 64 bits, then the header.
    r".{5}\0\0\0\s*\{\s*\"": ("weights without a network (safetensors)", "export it to ONNX"),
    # How it is written in 16 bits, then the tool's version.
    r"[\x00-\x03]\0v?\d+\.\d": (
        "a file of Paddle Lite (.nb)",
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
_KINDS = {
    re.compile(start.encode(), re.DOTALL | re.IGNORECASE): said for start, said in _STARTS.items()
}


def refuse_other_kinds(path: Path, wanted: str, kind_wanted: str | None = None) -> None:
    """Refuse a file whose first bytes say that it is something else.

    Args:
        path: the file.
        wanted: what it is to be, in words.
        kind_wanted: which of the known kinds that is, if one.

    Raises:
        StepRefused: naming what it is.
    """
    with path.open("rb") as stream:
        start = stream.read(_START_BYTES)
    for pattern, (kind, remedy) in _KINDS.items():
        if kind != kind_wanted and pattern.match(start):
            raise StepRefused(f"the file is {kind}, not {wanted}{remedy and f'; {remedy}'}")
