"""Read a `.pdparams` file without trusting it, and load all of it or nothing.

The format is a pickle of a dict from parameter name to numpy array. A pickle can name any
callable, so only those that arrays need are let through.
"""

from __future__ import annotations

import pickle
from collections.abc import Iterable, Iterator, Mapping
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
# What an optimiser's file has and a network's has not.
_OPTIMISER = "LR_Scheduler"
_SHOWN_NAMES = 2
_REMEDY = "weights are what paddle.save writes of a network's state_dict()"


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
        raise StepRefused(f"the weights file is refused: {problem}; {_REMEDY}") from error
    if not isinstance(content, dict):
        raise StepRefused(f"the weights file holds no table of parameters; {_REMEDY}")
    content.pop(_NAME_TABLE, None)
    if _OPTIMISER in content:
        raise StepRefused("the weights file is that of an optimiser (.pdopt), not of a network")
    for name, value in content.items():
        if not isinstance(name, str) or not isinstance(value, np.ndarray) or value.dtype.hasobject:
            raise StepRefused(f"the weights file holds {name!r:.60}, which is no array; {_REMEDY}")
    return content


def load_arrays(network: Any, arrays: Mapping[str, npt.NDArray[Any]]) -> None:
    """Set every parameter and buffer of the network from `arrays`.

    Raises:
        StepRefused: names, shapes or kinds of number do not match exactly; nothing is set. Says
            how many of each do not, and names the first ones.
    """
    state = network.state_dict()
    shared = [name for name in state if name in arrays]
    problems = [
        *_told("missing", [name for name in state if name not in arrays], len(state)),
        *_told("unexpected", [name for name in arrays if name not in state], len(arrays)),
        *_told("of another shape", [*_other_shapes(state, arrays, shared)], len(shared)),
        *_told("of another kind", [*_other_kinds(state, arrays, shared)], len(shared)),
    ]
    if problems:
        raise StepRefused(
            f"the weights file does not fit the network; of its parameters {', '.join(problems)}"
        )
    for name, parameter in state.items():
        parameter.set_value(arrays[name].astype(parameter.numpy().dtype, copy=False))


def _told(problem: str, what: list[str], of_count: int) -> list[str]:
    if not what:
        return []
    shown = "; ".join(what[:_SHOWN_NAMES])
    more = "; ..." if len(what) > _SHOWN_NAMES else ""
    return [f"{len(what)} of {of_count} are {problem} ({shown}{more})"]


def _other_shapes(
    state: Mapping[str, Any], arrays: Mapping[str, npt.NDArray[Any]], names: Iterable[str]
) -> Iterator[str]:
    for name in names:
        ours, theirs = list(state[name].shape), list(arrays[name].shape)
        if ours != theirs:
            yield f"{name} has {theirs}, the network's has {ours}"


def _other_kinds(
    state: Mapping[str, Any], arrays: Mapping[str, npt.NDArray[Any]], names: Iterable[str]
) -> Iterator[str]:
    for name in names:
        ours, theirs = state[name].numpy().dtype, arrays[name].dtype
        if ours.kind != theirs.kind:
            # What Paddle writes of bfloat16, which numpy does not have.
            yield f"{name} is of {'bfloat16' if theirs == np.uint16 else theirs} numbers"
