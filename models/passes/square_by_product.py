"""Pass: square by a product in layer norms over channels."""

from __future__ import annotations

import types
from typing import Any

import paddle

_LAYER = "ChannelsFirstLayerNorm"


def rewrite(network: Any, _images: Any) -> int:
    """Replace the forward function of each such norm; return how many there are."""
    norms = [layer for layer in network.sublayers() if type(layer).__name__ == _LAYER]
    for norm in norms:
        norm.forward = types.MethodType(_normalise, norm)
    return len(norms)


def _normalise(self: Any, x: Any) -> Any:
    centred = x - x.mean(1, keepdim=True)
    variance = (centred * centred).mean(1, keepdim=True)
    normal = centred / paddle.sqrt(variance + self.epsilon)
    return self.weight[:, None, None] * normal + self.bias[:, None, None]
