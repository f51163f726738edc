"""Pass: add the parts of a split attention one to the next."""

from __future__ import annotations

import types
from typing import Any

import paddle

_LAYER = "SplatConv"


def rewrite(network: Any, _images: Any) -> int:
    """Replace the forward function of each split attention of several parts; return how many."""
    layers = [
        layer for layer in network.sublayers() if type(layer).__name__ == _LAYER and layer.radix > 1
    ]
    for layer in layers:
        layer.forward = types.MethodType(_attend, layer)
    return len(layers)


def _attend(self: Any, x: Any) -> Any:
    parts = paddle.split(self.conv1(x), num_or_sections=self.radix, axis=1)
    pooled = self.avg_pool2d(_added(parts))
    attention = self.rsoftmax(self.conv3(self.conv2(pooled)))
    shares = paddle.split(attention, num_or_sections=self.radix, axis=1)
    # Tracing takes no zip that is strict.
    return _added([parts[index] * shares[index] for index in range(self.radix)])


def _added(tensors: Any) -> Any:
    total = tensors[0]
    for index in range(1, len(tensors)):
        total = total + tensors[index]
    return total
