"""What a child tells of its outputs, beside those that they should be."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.child.answers import TELLING_APART, answer_of, check_outputs, compare
from agent.runtimes import InputArray
from protos.inputs import NetworkInput, square
from protos.measuring import OutputCheck
from protos.reference.noise import REFERENCE_INPUTS, reference_inputs
from protos.reference.outputs import Numbers, ReferenceOutputs, inputs_digest, write_outputs
from protos.reference.outputs import read_outputs as read

TAKES = NetworkInput(size=square(4))
SHAPES = ((1, 10), (1, 2, 3))


def reference(seed: int = 3, least_score: float = 0.0) -> ReferenceOutputs:
    """Two outputs on each input."""
    rng = np.random.default_rng(seed)
    kept = [rng.standard_normal((REFERENCE_INPUTS, n), dtype=np.float32) for n in (10, 6)]
    return ReferenceOutputs(
        inputs_sha256=inputs_digest(reference_inputs(TAKES)),
        shapes=SHAPES,
        step=1,
        kept=tuple(kept),
        least_score=least_score,
    )


def outputs_of(wanted: ReferenceOutputs) -> list[list[Numbers]]:
    """Of each input the outputs of a network that is right."""
    return [
        [kept[n].reshape(shape).copy() for kept, shape in zip(wanted.kept, SHAPES, strict=True)]
        for n in range(REFERENCE_INPUTS)
    ]


def compared(outputs: Sequence[Sequence[Numbers]], wanted: ReferenceOutputs) -> OutputCheck:
    return compare([answer_of(each, wanted) for each in outputs], wanted)


@given(seed=st.integers(0, 100))
def test_a_network_that_is_right_differs_in_nothing(seed: int) -> None:
    wanted = reference(seed)
    assert compared(outputs_of(wanted), wanted) == OutputCheck(
        input_count=REFERENCE_INPUTS,
        max_relative_difference=0.0,
        l2_relative_difference=0.0,
        top1_agreement=1.0,
    )


@given(
    at_input=st.integers(0, REFERENCE_INPUTS - 1),
    at_output=st.integers(0, 1),
    difference=st.floats(1e-3, 1e3),
)
def test_one_number_that_is_off_is_told_by_its_share_of_the_largest(
    at_input: int, at_output: int, difference: float
) -> None:
    wanted = reference()
    outputs = outputs_of(wanted)
    moved = outputs[at_input][at_output]
    largest = float(np.abs(moved).max())
    norm = float(np.linalg.norm(moved))
    moved.flat[0] += np.float32(difference * largest)
    found = compared(outputs, wanted)
    assert found.max_relative_difference == pytest.approx(difference, rel=1e-2, abs=1e-6)
    assert found.l2_relative_difference == pytest.approx(
        difference * largest / norm, rel=1e-2, abs=1e-6
    )
    assert not found.is_constant


@given(
    at_input=st.integers(0, REFERENCE_INPUTS - 1),
    at_output=st.integers(0, 1),
    broken=st.sampled_from([np.nan, np.inf, -np.inf]),
)
def test_a_number_that_is_none_is_never_right(at_input: int, at_output: int, broken: float) -> None:
    wanted = reference()
    outputs = outputs_of(wanted)
    outputs[at_input][at_output].flat[-1] = broken
    found = compared(outputs, wanted)
    assert found.nonfinite_share == pytest.approx(1 / (REFERENCE_INPUTS * 16))
    assert found.max_relative_difference is None
    assert found.l2_relative_difference is None


@given(value=st.sampled_from([0.0, 1.0, -3.5]), at_output=st.integers(0, 1))
def test_an_output_that_is_always_the_same_is_constant(value: float, at_output: int) -> None:
    wanted = reference()
    outputs = outputs_of(wanted)
    for of_input in outputs:
        of_input[at_output][:] = value
    assert compared(outputs, wanted).is_constant


def test_an_output_that_should_be_the_same_for_all_is_not_called_constant() -> None:
    drawn = reference()
    row = drawn.kept[0][:1]
    nearly = row * (1 + TELLING_APART / 2 * np.linspace(0, 1, REFERENCE_INPUTS)[:, np.newaxis])
    wanted = ReferenceOutputs(
        drawn.inputs_sha256, SHAPES, 1, (nearly.astype(np.float32), drawn.kept[1])
    )
    outputs = outputs_of(wanted)
    for of_input in outputs:
        of_input[0][:] = row
    assert not compared(outputs, wanted).is_constant


@pytest.mark.parametrize("which", ["fewer outputs", "another shape"])
def test_other_outputs_are_told_as_such(which: str) -> None:
    wanted = reference()
    outputs = outputs_of(wanted)
    outputs[1] = outputs[1][:1] if which == "fewer outputs" else [outputs[1][0].T, outputs[1][1]]
    found = compared(outputs, wanted)
    assert found.is_other_shape
    assert found.max_relative_difference is None


def test_scores_whose_largest_is_another_are_counted() -> None:
    wanted = reference()
    outputs = outputs_of(wanted)
    scores = outputs[2][0]
    scores[0, scores.argmin()] = scores.max() + 1
    assert compared(outputs, wanted).top1_agreement == 0.75


def test_of_faint_scores_the_difference_is_that_of_a_least_score() -> None:
    faint = tuple(np.full_like(each, 1e-6) for each in reference().kept)
    drawn = reference(least_score=0.01)
    wanted = ReferenceOutputs(drawn.inputs_sha256, SHAPES, 1, faint, drawn.least_score)
    outputs = outputs_of(wanted)
    outputs[0][0][0, 0] = 2e-6
    assert compared(outputs, wanted).max_relative_difference == pytest.approx(1e-4, rel=1e-3)


def test_of_an_output_with_a_part_kept_every_number_is_looked_at_for_nan(tmp_path: Path) -> None:
    inputs = np.stack(list(reference_inputs(TAKES)))
    large = np.random.default_rng(0).standard_normal((REFERENCE_INPUTS, 1, 600_000), np.float32)
    write_outputs(tmp_path / "reference", inputs, [large])
    wanted = read(tmp_path / "reference")
    assert wanted.step == 3
    right = compare([answer_of([each], wanted) for each in large], wanted)
    assert (right.max_relative_difference, right.top1_agreement) == (0.0, None)
    # Between two that are kept.
    large[3, 0, 1] = np.nan
    assert compare([answer_of([each], wanted) for each in large], wanted).nonfinite_share > 0


@dataclass
class Echo:
    """A network that gives two sums of its image."""

    given: list[InputArray] = field(default_factory=list)

    def build(self) -> str:
        return ""

    def set_input(self, images: InputArray, constants: Mapping[str, InputArray]) -> None:
        assert constants == {"factor": 2}
        self.given.append(images)

    def run(self) -> object:
        return None

    def compute(self) -> list[InputArray]:
        image = self.given[-1]
        return [image.sum(axis=(2, 3)), image.sum(axis=(1, 2))]


def written(path: Path, takes: NetworkInput) -> ReferenceOutputs:
    inputs = np.stack(list(reference_inputs(takes)))
    write_outputs(path, inputs, [inputs.sum(axis=(3, 4)), inputs.sum(axis=(2, 3))])
    return read(path)


def test_a_network_is_run_on_the_reference_inputs(tmp_path: Path) -> None:
    network, constants = Echo(), {"factor": np.array(2)}
    found = check_outputs(network, written(tmp_path / "reference", TAKES), TAKES, constants)
    assert found is not None
    assert found.max_relative_difference == pytest.approx(0.0, abs=1e-6)
    assert np.array_equal(np.stack(network.given), np.stack(list(reference_inputs(TAKES))))


def test_whoever_makes_other_inputs_compares_nothing(tmp_path: Path) -> None:
    wanted = written(tmp_path / "reference", NetworkInput(size=square(5)))
    assert check_outputs(Echo(), wanted, TAKES, {"factor": np.array(2)}) is None
