"""Pass: keep the attention biases of pairs of places as constants.

The network gathers them anew in every forward call, a row of places at a time. They depend on
nothing but its weights: the network's own `train(False)` keeps them, but its forward function sets
`training` and so never reads what was kept.
"""

from __future__ import annotations

import importlib
from typing import Any

import paddle

_GATHER = "cal_attention_biases"


def rewrite(network: Any, _images: Any) -> int:
    """Replace what gathers biases by constants; return how many attentions have them."""
    layers = [layer for layer in network.sublayers() if hasattr(layer, "attention_bias_idxs")]
    for layer in layers:
        gather = getattr(importlib.import_module(type(layer).__module__), _GATHER)
        with paddle.no_grad():
            biases = gather(layer.attention_biases, layer.attention_bias_idxs)
        # A buffer is written with the weights, so that runtimes see a constant; and in the order
        # of its bytes, which a transposed view has otherwise.
        layer.register_buffer("ab", biases.contiguous())
        layer.__class__ = _never_training(type(layer))
    return len(layers)


def _never_training(attention: type) -> type:
    """A layer of the same forward function, whatever that says of `training`."""
    training = property(lambda _layer: False, lambda _layer, _value: None)
    return type(attention.__name__, (attention,), {"training": training})
