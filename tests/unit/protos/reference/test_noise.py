"""The inputs that every artifact is compared on, made the same wherever they are made."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.catalog.precisions import Precision
from models.recipes.acceptance import ACCEPTANCE
from protos.inputs import CHANNELS, IMAGE_TYPES, ImageSize, InputKind, Layout, NetworkInput, square
from protos.reference.noise import (
    REFERENCE_INPUTS,
    REFERENCE_SEED,
    noise_inputs,
    reference_inputs,
)
from protos.reference.outputs import inputs_digest

KINDS = st.builds(
    InputKind,
    layout=st.sampled_from(Layout),
    element_type=st.sampled_from(IMAGE_TYPES),
    channels=st.sampled_from(CHANNELS),
)
TAKES = st.builds(
    NetworkInput,
    size=st.builds(ImageSize, st.integers(1, 70), st.integers(1, 70)),
    batch=st.integers(1, 3),
    kind=KINDS,
)


@given(takes=TAKES)
@settings(max_examples=30, deadline=None)
def test_one_after_the_other_they_are_what_they_are_at_once(takes: NetworkInput) -> None:
    at_once = noise_inputs(REFERENCE_INPUTS, takes, REFERENCE_SEED)
    in_turn = list(reference_inputs(takes))
    assert len(in_turn) == REFERENCE_INPUTS
    assert all(each.shape == takes.shape for each in in_turn)
    assert np.stack(in_turn).tobytes() == at_once.tobytes()


def test_every_artifact_is_compared_on_them_where_it_is_made() -> None:
    assert ACCEPTANCE[Precision.FP32].input_count == REFERENCE_INPUTS
    assert all(each.input_count >= REFERENCE_INPUTS for each in ACCEPTANCE.values())


@pytest.mark.parametrize(
    ("takes", "sha256"),
    [
        (
            NetworkInput(size=square(224)),
            "44af9d6097e94a68",
        ),
        (
            NetworkInput(size=ImageSize(48, 192), batch=2),
            "1092d77f4a203e70",
        ),
    ],
    ids=["usual", "wide, two at once"],
)
def test_whoever_makes_them_makes_these(takes: NetworkInput, sha256: str) -> None:
    """A NumPy that draws others would leave every device that has it without a comparison."""
    assert inputs_digest(reference_inputs(takes)).startswith(sha256)
