"""Fuse blocks that have several branches for training and one convolution for inference."""

from __future__ import annotations

from typing import Any


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
    return fused
