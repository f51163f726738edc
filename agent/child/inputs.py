"""What a network is given in the measuring child: random images, and inputs that stay the same."""

from dataclasses import dataclass, field

import numpy as np

from agent.runtimes import InputArray
from protos.inputs import ElementType, NetworkInput

_BYTE_VALUES = 256


@dataclass(frozen=True)
class Inputs:
    """The images, and the other inputs by name."""

    images: InputArray
    constants: dict[str, InputArray] = field(default_factory=dict)


def make_inputs(takes: NetworkInput, seed: int) -> Inputs:
    """Inputs of the wanted shapes and kinds of number; the same seed gives the same ones.

    Numbers with a fraction are of unit variance, bytes are any of 0 to 255.
    """
    rng = np.random.default_rng(seed)
    images: InputArray
    if takes.kind.element_type is ElementType.UINT8:
        images = rng.integers(0, _BYTE_VALUES, takes.shape, dtype=np.uint8)
    else:
        images = rng.standard_normal(takes.shape, dtype=np.float32)
    constants = {
        each.name: np.resize(
            np.array(each.values, each.element_type.value), each.shape_for(takes.batch)
        )
        for each in takes.kind.constants
    }
    return Inputs(images.astype(takes.kind.element_type.value, copy=False), constants)
