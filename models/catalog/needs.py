"""What a file needs of whoever runs it, beyond its format."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Final

import models
from models.catalog.onnx_versions import TRANSLATED, OnnxVersions

_EXTRA_FILE: Final = Path(models.__file__).parent / "data" / "paddlelite_extra.csv"
# Beside each operator of a `.nb` file stands which kernel of it was chosen: its name, the kernel's,
# and numbers of processor, precision and layout.
_KERNEL: Final = re.compile(rb"([a-z_][a-z0-9_]{1,62})/[A-Za-z0-9_]{1,62}(?:/[0-9]{1,2}){3}")


@dataclass(frozen=True, slots=True)
class FileNeeds:
    """What is known of a file.

    Attributes:
        versions: of an ONNX file; of no meaning for others.
        operators: those of a Paddle Lite file, by name; empty where they are not known.
    """

    versions: OnnxVersions = TRANSLATED
    operators: tuple[str, ...] = ()

    @property
    def extra_operators(self) -> tuple[str, ...]:
        """Those that only a Paddle Lite has that was built with its extra kernels."""
        return tuple(name for name in self.operators if name in _extra())


def operators_of(content: bytes) -> tuple[str, ...]:
    """The operators that the kernels of a Paddle Lite file compute, each once, by name."""
    return tuple(sorted({match[1].decode("ascii") for match in _KERNEL.finditer(content)}))


@lru_cache(maxsize=1)
def _extra() -> frozenset[str]:
    return frozenset(_names(_EXTRA_FILE.read_text("ascii").splitlines()[1:]))


def _names(rows: Iterable[str]) -> Iterable[str]:
    return (row.partition(",")[0] for row in rows)
