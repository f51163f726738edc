"""Fuse blocks that have several branches for training and one convolution for inference."""

from __future__ import annotations

from typing import Any

from paddle import nn


def fuse_blocks(network: Any) -> int:
    """Fuse every re-parameterisable block of a PaddleClas network in place; return how many.

    PP-LCNetV2's and RepVGG's blocks, and the diverse branch block, all name the operation
    `re_parameterize`; blocks that were built without branches have the method as well and do
    nothing, so they are not counted.
    """
    fused = 0
    for layer in network.sublayers():
        if not hasattr(layer, "re_parameterize"):
            continue
        if getattr(layer, "use_rep", True):
            fused += 1
        layer.re_parameterize()
        if type(layer).__name__ == "RepVGGBlock":
            _keep_attention(layer)
    return fused


def _keep_attention(block: Any) -> None:
    """Let a fused block of RepVGG_D2se go on attending, which that of PaddleClas 2.6.0 forgets."""
    if not isinstance(block.se, nn.Identity):
        block.nonlinearity = nn.Sequential(block.se, block.nonlinearity)
        block.se = nn.Identity()
