"""Pass: keep the attention masks of shifted windows as constants.

The network builds each mask in every forward call, by assigning to slices. It depends on nothing
but the input size, which a program has fixed.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import paddle


def rewrite(network: Any, images: Any) -> int:
    """Replace what builds masks by constants; return how many blocks have one.

    Args:
        network: changed in place.
        images: one batch, of the shape that the program will have.
    """
    blocks = [layer for layer in network.sublayers() if hasattr(layer, "get_attn_mask")]
    if not blocks:
        return 0
    for block in blocks:
        block.get_attn_mask = _keeping(block, block.get_attn_mask)
    with paddle.no_grad():
        network(images)
    for block in blocks:
        block.get_attn_mask = _kept(block)
    return sum(block.constant_mask is not None for block in blocks)


def _keeping(block: Any, build: Callable[..., Any]) -> Callable[..., Any]:
    def keep(*arguments: Any) -> Any:
        mask = build(*arguments)
        # A buffer is written with the weights, so that runtimes see a constant.
        block.register_buffer("constant_mask", mask)
        return mask

    return keep


def _kept(block: Any) -> Callable[..., Any]:
    def kept(*_arguments: Any) -> Any:
        return block.constant_mask

    # What traces a program would otherwise read the function's source and rewrite it.
    as_it_is: Callable[..., Any] = paddle.jit.not_to_static(kept)
    return as_it_is
