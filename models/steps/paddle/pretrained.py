"""Read a published `.pdparams` file without trusting it, and load all of it or nothing.

The format is a pickle of a dict from parameter name to numpy array. A pickle can name any
callable, so only those that arrays need are let through.
"""

from __future__ import annotations

import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from models.steps.refusal import StepRefused

_ALLOWED = frozenset(
    {
        ("numpy", "dtype"),
        ("numpy", "ndarray"),
        ("numpy.core.multiarray", "_reconstruct"),
        ("numpy._core.multiarray", "_reconstruct"),
        ("collections", "OrderedDict"),
        # Protocol 2 writes bytes as text and this call.
        ("_codecs", "encode"),
    }
)
# What the pickle machine raises on bytes that are no sound pickle.
_DAMAGE = (
    pickle.UnpicklingError,
    ArithmeticError,
    AttributeError,
    EOFError,
    ImportError,
    LookupError,
    MemoryError,
    TypeError,
    ValueError,
)
# Paddle's own table of names beside the parameters.
_NAME_TABLE = "StructuredToParameterName@@"


class _ArraysOnly(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in _ALLOWED:
            raise pickle.UnpicklingError(f"it names {module}.{name}, which weights do not need")
        return super().find_class(module, name)


def read_arrays(path: Path) -> dict[str, npt.NDArray[Any]]:
    """Return the arrays of a `.pdparams` file by parameter name.

    Raises:
        StepRefused: the file is no pickle, names anything but arrays, or holds something else.
    """
    try:
        with path.open("rb") as stream:
            content = _ArraysOnly(stream).load()
    except _DAMAGE as error:
        problem = str(error) or "it is damaged"
        raise StepRefused(f"the weights file {path.name} is refused: {problem}") from error
    if not isinstance(content, dict):
        raise StepRefused(f"the weights file {path.name} holds no table of parameters")
    content.pop(_NAME_TABLE, None)
    for name, value in content.items():
        if not isinstance(name, str) or not isinstance(value, np.ndarray) or value.dtype.hasobject:
            raise StepRefused(f"the weights file {path.name} holds {name!r}, which is no array")
    return content


def load_arrays(network: Any, arrays: Mapping[str, npt.NDArray[Any]]) -> None:
    """Set every parameter and buffer of the network from `arrays`.

    Raises:
        StepRefused: names, shapes or kinds of number do not match exactly; nothing is set.
    """
    state = network.state_dict()
    _check_names("lacks", state.keys() - arrays.keys())
    _check_names("has unexpected", arrays.keys() - state.keys())
    for name, parameter in state.items():
        array = arrays[name]
        if list(array.shape) != list(parameter.shape):
            raise StepRefused(
                f"the weights file's {name} has shape {list(array.shape)}, "
                f"the network's has {list(parameter.shape)}"
            )
        if array.dtype.kind != parameter.numpy().dtype.kind:
            raise StepRefused(f"the weights file's {name} holds {array.dtype} numbers")
    for name, parameter in state.items():
        parameter.set_value(arrays[name].astype(parameter.numpy().dtype, copy=False))


def _check_names(verb: str, names: set[str]) -> None:
    if names:
        shown = ", ".join(sorted(names)[:3])
        more = f" and {len(names) - 3} more" if len(names) > 3 else ""
        raise StepRefused(f"the weights file {verb} {shown}{more}")
