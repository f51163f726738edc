"""What the steps are made of and needs no framework: protocol, noise, parity measure, pickles."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from collections import OrderedDict
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from models.processes.requests import ParityRequest
from models.recipes.acceptance import MAX_ROUNDING_DIFFERENCE
from models.steps.paddle import architectures
from models.steps.paddle.pretrained import load_arrays, read_arrays
from models.steps.parity.agreement import correlation, top1_agreement
from models.steps.parity.compare import (
    Array,
    check_sensitivity,
    compare_with_reference,
    relative_difference,
)
from models.steps.parity.noise import noise_images
from models.steps.parity.reference import further_inputs, reference_inputs
from models.steps.refusal import StepRefused

COMMON = np.array([9, 1, 2, 3, 4], np.float32)


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
    with pytest.raises(StepRefused, match=r"evil.pdparams is refused: it names \w+.system"):
        read_arrays(path)
    assert not (tmp_path / "owned").exists()


@pytest.mark.parametrize("content", [{"w": eval}, {"w": Path}, {"w": pickle.loads}])
def test_no_callable_gets_through(content: object, tmp_path: Path) -> None:
    with pytest.raises(StepRefused, match="which weights do not need"):
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
        ({"fc.weight": None}, "lacks fc.weight"),
        ({"fc.bias": np.zeros(3)}, "has unexpected fc.bias"),
        ({"fc.weight": np.ones((3, 2))}, r"fc.weight has shape \[3, 2\], the network's has"),
        ({"fc.weight": np.ones((2, 3), np.int32)}, "fc.weight holds int32 numbers"),
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


@settings(deadline=None)
@given(st.integers(1, 3), st.integers(1, 70), st.integers(0, 2**32))
def test_noise_depends_on_nothing_but_its_seed(count: int, size: int, seed: int) -> None:
    images = noise_images(count, size, seed)
    assert images.shape == (count, 3, size, size)
    assert images.dtype == np.float32
    np.testing.assert_array_equal(images, noise_images(count, size, seed))
    assert np.isfinite(images).all()


def test_noise_differs_between_images_in_its_average_and_has_unit_scale() -> None:
    images = noise_images(32, 64, seed=1)
    assert images.mean(axis=(2, 3)).std() > 0.2
    assert 0.8 < images.std() < 1.2


def test_the_parity_measure_is_relative_to_the_largest_output() -> None:
    reference = np.array([1.0, -4.0], np.float32)
    assert relative_difference(np.array([1.0, -4.0], np.float32), reference) == 0
    assert relative_difference(np.array([1.5, -4.0], np.float32), reference) == pytest.approx(0.125)


@pytest.mark.parametrize("broken", [np.nan, np.inf, -np.inf])
def test_no_broken_number_passes(broken: float) -> None:
    reference = np.ones(2, np.float32)
    assert relative_difference(np.array([1, broken], np.float32), reference) == np.inf
    assert relative_difference(reference, np.array([1, broken], np.float32)) == np.inf


@pytest.mark.parametrize("rounding", [0.003, np.inf, np.nan])
def test_outputs_that_rounding_moves_far_are_compared_with_nothing(rounding: float) -> None:
    check_sensitivity(MAX_ROUNDING_DIFFERENCE)
    with pytest.raises(StepRefused, match="one rounding of its input moves the outputs by"):
        check_sensitivity(rounding)


def test_zeros_and_other_shapes_compare_with_nothing() -> None:
    zeros = np.zeros(2, np.float32)
    assert relative_difference(zeros, zeros) == np.inf
    assert relative_difference(np.ones((2, 1), np.float32), np.ones(2, np.float32)) == np.inf


@pytest.fixture
def reference(tmp_path: Path) -> Path:
    """Two inputs and a network that doubles them."""
    inputs = np.array([[1.0, 2.0], [3.0, 4.0]], np.float32)
    path = tmp_path / "reference.npz"
    np.savez(path, inputs=inputs, output_count=1, output_0=2 * inputs)
    return path


def asked(reference: Path, tolerance: float = 1e-3, **more: Any) -> ParityRequest:
    return ParityRequest("unused", str(reference), tolerance, **more)


def test_the_worst_difference_over_all_inputs_is_reported(reference: Path) -> None:
    def infer(image: Array) -> list[Array]:
        off = np.float32(0.0008 if image[0] == 3 else 0.0)
        return [2 * image + off]

    answer = compare_with_reference(infer, asked(reference))
    assert answer.input_count == 2
    assert answer.max_relative_difference == pytest.approx(1e-4, rel=1e-2)


@pytest.mark.parametrize(
    ("infer", "problem"),
    [
        (lambda image: [2 * image + 1], "input 0 differ from Paddle's by 0.25 relative, beyond"),
        (lambda image: [np.full_like(image, np.nan)], "2 of 2 outputs on reference input 0 are"),
        (lambda image: [image[:1]], "shape on reference input 0 is"),
        (lambda image: [image, image], "gives 2 outputs where Paddle gives 1"),
    ],
)
def test_what_differs_is_refused_with_figures(infer: Any, problem: str, reference: Path) -> None:
    before = psutil.Process().children()
    with pytest.raises(StepRefused, match=problem):
        compare_with_reference(infer, asked(reference))
    assert psutil.Process().children() == before


def test_the_first_inputs_alone_are_compared_when_fewer_are_asked_for(reference: Path) -> None:
    def infer(image: Array) -> list[Array]:
        return [2 * image if image[0] == 1 else np.full_like(image, np.nan)]

    assert compare_with_reference(infer, asked(reference, input_count=1)).input_count == 1


@pytest.fixture
def telling(tmp_path: Path) -> Path:
    """Sixteen inputs and a network whose five scores depend on them, beside a common answer."""
    rng = np.random.default_rng(3)
    inputs = rng.standard_normal((16, 1, 5)).astype(np.float32)
    path = tmp_path / "telling.npz"
    np.savez(path, inputs=inputs, output_count=1, output_0=inputs + COMMON)
    return path


def test_a_reduced_precision_tells_what_it_keeps(telling: Path) -> None:
    request = asked(telling, 0.15, input_count=16, least_correlation=0.98)
    answer = compare_with_reference(lambda image: [image + COMMON * 1.001], request)
    assert answer.input_count == 16
    assert answer.top1_agreement == 1
    assert answer.correlation == pytest.approx(1, abs=1e-3)


def test_the_same_answer_for_every_image_is_refused_though_its_top1_agrees(telling: Path) -> None:
    request = asked(telling, 1.0, input_count=16, least_correlation=0.5)
    with pytest.raises(StepRefused) as caught:
        compare_with_reference(lambda _: [COMMON[None]], request)
    assert str(caught.value) == (
        "of what tells 16 reference inputs apart a correlation of 0.00 with Paddle's outputs is "
        "left, below 0.5; ask for a precision that keeps more of this network, such as fp32"
    )


def test_outputs_of_another_scale_are_refused_though_they_correlate(telling: Path) -> None:
    request = asked(telling, 1.0, input_count=16, least_correlation=0.5)
    with pytest.raises(StepRefused, match=r"beyond the tolerance of 1 .*; ask for a precision"):
        compare_with_reference(lambda image: [3 * (image + COMMON)], request)


def scores_of(shape: tuple[int, ...]) -> st.SearchStrategy[Array]:
    finite = st.floats(-1e6, 1e6, width=32)
    return arrays(np.float32, shape, elements=finite)


@settings(deadline=None)
@given(scores_of((4, 2, 3)), scores_of((4, 2, 3)))
def test_the_correlation_is_between_its_bounds_and_1_for_itself(a: Array, b: Array) -> None:
    assert -1.000001 <= correlation(a, b) <= 1.000001
    assert correlation(a, a) == pytest.approx(1)
    assert 0 <= top1_agreement(a, b) <= 1 == top1_agreement(a, a)


def test_reference_inputs_beyond_the_first_four_are_images_of_their_own() -> None:
    images = np.concatenate([reference_inputs(2, 32), further_inputs(16, 2, 32)])
    assert images.shape == (16, 2, 3, 32, 32)
    assert len(np.unique(images.reshape(32, -1), axis=0)) == 32
    assert len(further_inputs(4, 2, 32)) == 0
    np.testing.assert_array_equal(images[:4].reshape(8, 3, 32, 32), noise_images(8, 32, 20_000))


def test_a_step_whose_parent_is_another_process_ends_at_once() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "models.steps", "onnx", "1", str(2**33)],
        input=b"{}",
        capture_output=True,
        check=False,
    )
    assert done.returncode == -9
    assert done.stdout == b""


def test_a_killed_parent_takes_its_step_along(tmp_path: Path) -> None:
    # The step reads a fifo that nobody writes: it would wait for ever.
    os.mkfifo(tmp_path / "weights.pdparams")
    code = (
        "import os, pathlib, sys, threading\n"
        "from models.processes.child import Cancellation, StepLimits, run_step\n"
        "from models.processes.requests import FileAnswer, ParityRequest\n"
        "request = ParityRequest('x.onnx', 'y.npz', 1.0)\n"
        "command = (sys.executable, '-c', '''\n"
        "import os, sys\n"
        "from models.steps.parent import bind_to_parent\n"
        "bind_to_parent(int(sys.argv[2]))\n"
        'open("started", "w").write(str(os.getpid()))\n'
        'open("weights.pdparams").read()\n'
        "''')\n"
        "run_step('s', request, FileAnswer, workdir=pathlib.Path('.'), limits=StepLimits(),"
        " cancellation=Cancellation(), command=command)\n"
    )
    os.mkfifo(tmp_path / "started")
    parent = subprocess.Popen([sys.executable, "-c", code], cwd=tmp_path)
    step = psutil.Process(int((tmp_path / "started").read_text()))
    parent.kill()
    parent.wait()
    step.wait(timeout=30)


def test_only_the_error_that_names_the_size_says_that_a_network_takes_none(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def takes_none(pretrained: bool) -> None:
        """Stand for the factory of a network of any size."""

    def is_broken(pretrained: bool, img_size: int) -> int:
        return pretrained + len(img_size)  # type: ignore[arg-type]

    monkeypatch.setattr(architectures, "_factory", lambda _: takes_none)
    assert architectures.build_for_size("any", 256) is None
    monkeypatch.setattr(architectures, "_factory", lambda _: is_broken)
    with pytest.raises(TypeError, match="has no len"):
        architectures.build_for_size("any", 256)
