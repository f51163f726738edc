"""Versions of ONNX files: what a file needs of whoever reads it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class OnnxVersions:
    """What the reader of an ONNX file has to know.

    Attributes:
        ir_version: version of the file format.
        opset: version of the usual operators.
    """

    ir_version: int
    opset: int


TRANSLATED: Final = OnnxVersions(ir_version=7, opset=14)
"""What is asked of the translation of a Paddle program, which raises it for some operators."""
