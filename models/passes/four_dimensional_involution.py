"""Pass: sum an involution's products in four dimensions instead of six."""

from __future__ import annotations

import types
from typing import Any

import paddle

_LAYER = "Involution"


def rewrite(network: Any, _images: Any) -> int:
    """Replace the forward function of each involution; return how many there are."""
    involutions = [layer for layer in network.sublayers() if type(layer).__name__ == _LAYER]
    for involution in involutions:
        involution.forward = types.MethodType(_involve, involution)
    return len(involutions)


def _involve(self: Any, x: Any) -> Any:
    kernels = self.conv2(self.conv1(x if self.stride == 1 else self.avgpool(x)))
    batch, _, height, width = kernels.shape
    taps = self.kernel_size**2
    groups = batch * self.groups
    kernels = kernels.reshape((groups, 1, taps, height * width))
    padding = (self.kernel_size - 1) // 2
    patches = paddle.nn.functional.unfold(x, self.kernel_size, self.stride, padding, 1)
    patches = patches.reshape((groups, self.group_channels, taps, height * width))
    return (kernels * patches).sum(axis=2).reshape((batch, self.channels, height, width))
