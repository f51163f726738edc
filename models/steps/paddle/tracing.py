"""Trace a network into the program that the converters take."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import paddle


def trace(network: Any, shape: Sequence[int]) -> Any:
    """Return the network as a static layer for one fixed shape of its input, named `image`.

    Args:
        network: a `paddle.nn.Layer` in evaluation mode.
        shape: batch, channels, height, width.
    """
    spec = paddle.static.InputSpec(list(shape), "float32", "image")
    # Without full_graph the input's fixed shape is ignored.
    return paddle.jit.to_static(network, input_spec=[spec], full_graph=True)
