"""Parity: the inputs that outputs are compared on, and how far they may lie apart."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from models.processes.requests import ParityRequest
from models.recipes.acceptance import LEAST_SCORE, MAX_ROUNDING_DIFFERENCE, PARITY_TOLERANCE
from models.steps.parity.agreement import correlation
from models.steps.parity.compare import (
    Array,
    check_sensitivity,
    compare_with_reference,
)
from models.steps.parity.reference import further_inputs, reference_inputs
from models.steps.refusal import StepRefused
from protos.inputs import NetworkInput, square
from protos.reference.differences import relative_difference, top1_agreement
from protos.reference.noise import noise_images

COMMON = np.array([9, 1, 2, 3, 4], np.float32)


@settings(deadline=None)
@given(st.integers(1, 3), st.integers(1, 70), st.integers(0, 2**32))
def test_noise_depends_on_nothing_but_its_seed(count: int, size: int, seed: int) -> None:
    images = noise_images(count, square(size), seed)
    assert images.shape == (count, 3, size, size)
    assert images.dtype == np.float32
    np.testing.assert_array_equal(images, noise_images(count, square(size), seed))
    assert np.isfinite(images).all()


def test_noise_differs_between_images_in_its_average_and_has_unit_scale() -> None:
    images = noise_images(32, square(64), seed=1)
    assert images.mean(axis=(2, 3)).std() > 0.2
    assert 0.8 < images.std() < 1.2


def test_the_parity_measure_is_relative_to_the_largest_output() -> None:
    reference = np.array([1.0, -4.0], np.float32)
    assert relative_difference(np.array([1.0, -4.0], np.float32), reference) == 0
    assert relative_difference(np.array([1.5, -4.0], np.float32), reference) == pytest.approx(0.125)


def test_scores_that_say_nothing_differ_by_as_little_as_they_would_among_others() -> None:
    # What a text detector gives for noise, and what is left of it by a sigmoid's last place.
    silent = np.array([5.96e-7, 0.0], np.float32)
    moved = np.array([4.17e-7, 1.79e-7], np.float32)
    assert relative_difference(moved, silent) > 0.1
    assert relative_difference(moved, silent, LEAST_SCORE) < PARITY_TOLERANCE
    # A detector that says something, and outputs that are no scores, are compared as ever.
    for reference in ([0.5, 0.0], [-5.96e-7, 0.0], [2.0, 0.0]):
        told = np.array(reference, np.float32)
        assert relative_difference(told + moved, told) == relative_difference(
            told + moved, told, LEAST_SCORE
        )
    assert relative_difference(silent + 1e-4, silent, LEAST_SCORE) > PARITY_TOLERANCE


@pytest.mark.parametrize("broken", [np.nan, np.inf, -np.inf])
def test_no_broken_number_passes(broken: float) -> None:
    reference = np.ones(2, np.float32)
    assert relative_difference(np.array([1, broken], np.float32), reference) == np.inf
    assert relative_difference(reference, np.array([1, broken], np.float32)) == np.inf


@pytest.mark.parametrize("rounding", [0.003, np.inf, np.nan])
def test_outputs_that_rounding_moves_far_are_compared_with_nothing(rounding: float) -> None:
    check_sensitivity(MAX_ROUNDING_DIFFERENCE)
    with pytest.raises(StepRefused, match="one rounding "):
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
    def infer(image: Array, _: object) -> list[Array]:
        off = np.float32(0.0008 if image[0] == 3 else 0.0)
        return [2 * image + off]

    answer = compare_with_reference(lambda: infer, asked(reference))
    assert answer.input_count == 2
    assert answer.max_relative_difference == pytest.approx(1e-4, rel=1e-2)


@pytest.mark.parametrize(
    ("infer", "problem"),
    [
        (lambda image, _: [2 * image + 1], "input 0 differ from Paddle's by 0.25 relative, beyond"),
        (lambda image, _: [np.full_like(image, np.nan)], "2 of 2 outputs on reference input 0 are"),
        (lambda image, _: [image[:1]], "shape on reference input 0 is"),
        (lambda image, _: [image, image], "gives 2 outputs where Paddle gives 1"),
    ],
)
def test_what_differs_is_refused_with_figures(infer: Any, problem: str, reference: Path) -> None:
    before = set(psutil.Process().children())
    with pytest.raises(StepRefused, match=problem):
        compare_with_reference(lambda: infer, asked(reference))
    assert set(psutil.Process().children()) <= before


def test_the_first_inputs_alone_are_compared_when_fewer_are_asked_for(reference: Path) -> None:
    def infer(image: Array, _: object) -> list[Array]:
        return [2 * image if image[0] == 1 else np.full_like(image, np.nan)]

    assert compare_with_reference(lambda: infer, asked(reference, input_count=1)).input_count == 1


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
    answer = compare_with_reference(lambda: lambda image, _: [image + COMMON * 1.001], request)
    assert answer.input_count == 16
    assert answer.top1_agreement == 1
    assert answer.correlation == pytest.approx(1, abs=1e-3)


def test_the_same_answer_for_every_image_is_refused_though_its_top1_agrees(telling: Path) -> None:
    request = asked(telling, 1.0, input_count=16, least_correlation=0.5)
    with pytest.raises(StepRefused) as caught:
        compare_with_reference(lambda: lambda *_: [COMMON[None]], request)
    sentence = str(caught.value)
    assert " 16 reference inputs" in sentence
    assert "correlation of 0.00" in sentence
    assert " below 0.5; ask" in sentence
    assert sentence.endswith(" as fp32")


def test_outputs_of_another_scale_are_refused_though_they_correlate(telling: Path) -> None:
    request = asked(telling, 1.0, input_count=16, least_correlation=0.5)
    with pytest.raises(StepRefused, match=r"tolerance of 1 .*; ask"):
        compare_with_reference(lambda: lambda image, _: [3 * (image + COMMON)], request)


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
    takes = NetworkInput(size=square(32), batch=2)
    images = np.concatenate([reference_inputs(takes), further_inputs(16, takes)])
    assert images.shape == (16, 2, 3, 32, 32)
    assert len(np.unique(images.reshape(32, -1), axis=0)) == 32
    assert len(further_inputs(4, takes)) == 0
    np.testing.assert_array_equal(
        images[:4].reshape(8, 3, 32, 32), noise_images(8, square(32), 20_000)
    )
