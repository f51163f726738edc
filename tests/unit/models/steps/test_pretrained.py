"""Weights files: arrays by name are read, and a pickle that does more is refused."""

from __future__ import annotations

import os
import pickle
from collections import OrderedDict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.steps.paddle.pretrained import load_arrays, read_arrays
from models.steps.refusal import StepRefused


class Evil:
    """A pickle that runs a command when it is loaded."""

    def __init__(self, target: Path) -> None:
        self.target = target

    def __reduce__(self) -> tuple[Any, tuple[str]]:
        return os.system, (f"touch {self.target}",)


class FakeParameter:
    """A parameter as `load_arrays` sees it."""

    def __init__(self, array: np.ndarray[Any, Any]) -> None:
        self.array = array
        self.shape = list(array.shape)

    def numpy(self) -> np.ndarray[Any, Any]:
        return self.array

    def set_value(self, array: np.ndarray[Any, Any]) -> None:
        self.array = array


class FakeNetwork:
    """A network of two parameters."""

    def __init__(self) -> None:
        self.parameters = {
            "fc.weight": FakeParameter(np.zeros((2, 3), np.float32)),
            "bn.count": FakeParameter(np.zeros((1,), np.int64)),
        }

    def state_dict(self) -> dict[str, FakeParameter]:
        return self.parameters


def pickled(path: Path, content: object, protocol: int) -> Path:
    path.write_bytes(pickle.dumps(content, protocol=protocol))
    return path


@pytest.mark.parametrize("protocol", [2, 3, 4])
def test_arrays_are_read_at_every_protocol_that_paddle_writes(
    protocol: int, tmp_path: Path
) -> None:
    weights = np.arange(6, dtype=np.float32).reshape(2, 3)
    content = OrderedDict(weight=weights, scalar=np.array(2.0))
    content["StructuredToParameterName@@"] = {"weight": "conv_0.w_0"}  # type: ignore[assignment]
    read = read_arrays(pickled(tmp_path / "net.pdparams", content, protocol))
    assert set(read) == {"weight", "scalar"}
    np.testing.assert_array_equal(read["weight"], weights)


@pytest.mark.parametrize("protocol", [0, 2, 4])
def test_a_pickle_that_runs_commands_is_refused_and_runs_none(
    protocol: int, tmp_path: Path
) -> None:
    path = pickled(tmp_path / "evil.pdparams", {"w": Evil(tmp_path / "owned")}, protocol)
    with pytest.raises(StepRefused, match=r" names \w+\.system"):
        read_arrays(path)
    assert not (tmp_path / "owned").exists()


@pytest.mark.parametrize("content", [{"w": eval}, {"w": Path}, {"w": pickle.loads}])
def test_no_callable_gets_through(content: object, tmp_path: Path) -> None:
    with pytest.raises(StepRefused, match="weights do not"):
        read_arrays(pickled(tmp_path / "net.pdparams", content, 4))


@pytest.mark.parametrize(
    "content", [[1, 2], {"w": "text"}, {3: np.zeros(2)}, {"w": np.array([{}], dtype=object)}]
)
def test_anything_but_arrays_by_name_is_refused(content: object, tmp_path: Path) -> None:
    with pytest.raises(StepRefused, match="holds"):
        read_arrays(pickled(tmp_path / "net.pdparams", content, 4))


@settings(deadline=None)
@given(st.binary(max_size=200))
def test_arbitrary_bytes_are_refused_in_a_sentence(
    tmp_path_factory: pytest.TempPathFactory, content: bytes
) -> None:
    path = tmp_path_factory.mktemp("pickle") / "net.pdparams"
    path.write_bytes(content)
    try:
        read = read_arrays(path)
    except StepRefused:
        return
    assert all(isinstance(value, np.ndarray) for value in read.values())


@pytest.mark.parametrize("kept", [10, 100, 300])
def test_a_truncated_file_is_refused(kept: int, tmp_path: Path) -> None:
    path = pickled(tmp_path / "net.pdparams", {"w": np.ones((20, 20))}, 4)
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(StepRefused, match="is refused"):
        read_arrays(path)


def test_arrays_that_fit_are_all_loaded() -> None:
    network = FakeNetwork()
    weight = np.ones((2, 3), np.float64)
    load_arrays(network, {"fc.weight": weight, "bn.count": np.array([7])})
    loaded = network.parameters["fc.weight"].array
    np.testing.assert_array_equal(loaded, weight)
    assert loaded.dtype == np.float32


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"fc.weight": None}, r"1 of 2 are missing \(fc.weight\)$"),
        ({"fc.bias": np.zeros(3)}, r"1 of 3 are unexpected \(fc.bias\)"),
        ({"fc.weight": np.ones((3, 2))}, r"fc.weight has \[3, 2\], the network's has \[2, 3\]"),
        ({"fc.weight": np.ones((2, 3), np.int32)}, "fc.weight is of int32 numbers"),
        ({"fc.weight": np.ones((2, 3), np.uint16)}, "fc.weight is of bfloat16 numbers"),
        (
            {"fc.weight": None, "a": np.ones(1), "b": np.ones(1), "c": np.ones(1)},
            r"1 of 2 are missing .*, 3 of 4 are unexpected \(a; b; \.\.\.\)",
        ),
    ],
)
def test_arrays_that_do_not_fit_change_nothing(
    change: dict[str, np.ndarray[Any, Any] | None], problem: str
) -> None:
    network = FakeNetwork()
    arrays = {"fc.weight": np.ones((2, 3), np.float32), "bn.count": np.array([7])} | change
    with pytest.raises(StepRefused, match=problem):
        load_arrays(network, {name: array for name, array in arrays.items() if array is not None})
    assert all(not parameter.array.any() for parameter in network.parameters.values())
