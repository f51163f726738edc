"""Build networks without drawing the random weights that a file replaces."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from paddle.nn.initializer import Constant
from paddle.nn.initializer.kaiming import MSRAInitializer
from paddle.nn.initializer.normal import NormalInitializer, TruncatedNormalInitializer
from paddle.nn.initializer.uniform import UniformInitializer
from paddle.nn.initializer.xavier import XavierInitializer

_RANDOM = (
    MSRAInitializer,
    NormalInitializer,
    TruncatedNormalInitializer,
    UniformInitializer,
    XavierInitializer,
)


@contextmanager
def blank_weights() -> Iterator[None]:
    """Let parameters that would be random be zeros; whoever builds inside sets every one.

    Drawing ResNet50's takes 0.3 s of the 0.4 s that building it takes.
    """
    drawing = [kind.forward for kind in _RANDOM]
    for kind in _RANDOM:
        kind.forward = _zeros
    try:
        yield
    finally:
        for kind, forward in zip(_RANDOM, drawing, strict=True):
            kind.forward = forward


def _zeros(_initializer: Any, parameter: Any, block: Any = None) -> Any:
    return Constant(0.0)(parameter, block)
