"""What cannot be reduced to another precision, since it is already."""

from __future__ import annotations

from models.processes.requests import ReduceRequest
from models.steps.refusal import StepRefused
from protos.inputs import ElementType


def refuse_half(request: ReduceRequest) -> None:
    """Refuse a model that takes float16 images.

    Raises:
        StepRefused: it does.
    """
    if request.takes.kind.element_type is ElementType.FLOAT16:
        raise StepRefused(
            "it is of float16 numbers by itself, and is not reduced further: ask for fp32, which "
            "is the model as it was brought"
        )
