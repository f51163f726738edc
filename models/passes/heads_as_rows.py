"""Pass: attend with the heads of a multi-query attention as further rows, not as a dimension."""

from __future__ import annotations

import types
from typing import Any

_LAYER = "MobileAttention"


def rewrite(network: Any, _images: Any) -> int:
    """Replace the forward function of each attention of several heads; return how many."""
    layers = [
        layer
        for layer in network.sublayers()
        if type(layer).__name__ == _LAYER and layer.num_head > 1 and not layer.use_fused_attn
    ]
    for layer in layers:
        layer.forward = types.MethodType(_attend, layer)
    return len(layers)


def _attend(self: Any, x: Any) -> Any:
    """Compute what the layer does.

    All heads share one head of keys and values, so that queries, (batch, heads x pixels, channels),
    need no dimension of heads for it.
    """
    identity = x
    x = self.norm(x)
    batch, _, height, width = x.shape
    channels = self.query_dim // self.num_head
    queries = self.query_proj(x).reshape((batch, self.num_head, channels, height * width))
    queries = queries.transpose((0, 1, 3, 2)).reshape((batch, -1, channels)) * self.scale
    is_smaller = self.kv_stride > 1
    keys = self.key_proj(self.key_down_proj(x) if is_smaller else x).flatten(2)
    values = self.value_proj(self.value_down_proj(x) if is_smaller else x).flatten(2)
    shares = self.attn_drop(self.softmax(queries @ keys))
    attended = (shares @ values.transpose((0, 2, 1))).reshape(
        (batch, self.num_head, height * width, self.kv_dim)
    )
    attended = attended.transpose((0, 1, 3, 2)).reshape((batch, self.query_dim, height, width))
    x = self.drop(self.proj(attended))
    if self.layer_scale_init_value > 0.0:
        x = self.layer_scale(x)
    return identity + self.drop_path(x) if self.if_shortcut else x
