"""Run every pass on a network."""

from __future__ import annotations

import importlib
from typing import Any

import paddle

from models.passes import PASSES
from models.steps.parity.compare import Array


def rewrite(network: Any, images: Array) -> tuple[str, ...]:
    """Rewrite a network in place and return the names of the passes that changed something.

    Args:
        network: a `paddle.nn.Layer` in evaluation mode.
        images: one batch, of the shape that the program will have.
    """
    batch = paddle.to_tensor(images)
    return tuple(
        each.name
        for each in PASSES
        if importlib.import_module(f"models.passes.{each.name}").rewrite(network, batch)
    )
