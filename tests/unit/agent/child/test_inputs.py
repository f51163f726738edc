"""A measured network is given what was asked for, the same each time."""

from typing import Any

import numpy as np
import pytest

from agent.child.inputs import make_inputs
from agent.runtimes import RuntimeRefused, named_inputs
from protos.inputs import (
    IMAGE_TYPES,
    ConstantInput,
    ElementType,
    ImageSize,
    InputKind,
    Layout,
    NetworkInput,
)

FACTOR = ConstantInput(
    name="scale_factor",
    element_type=ElementType.FLOAT32,
    shape=(2,),
    values=(1, 0.5),
    for_each_image=True,
)


@pytest.mark.parametrize("element_type", IMAGE_TYPES)
def test_images_have_their_shape_and_kind_of_number(element_type: ElementType) -> None:
    kind = InputKind(layout=Layout.NHWC, element_type=element_type, channels=4)
    takes = NetworkInput(size=ImageSize(48, 96), batch=2, kind=kind)
    images = make_inputs(takes, seed=7).images
    assert (images.shape, images.dtype) == ((2, 48, 96, 4), np.dtype(element_type.value))
    np.testing.assert_array_equal(images, make_inputs(takes, seed=7).images)
    if element_type is ElementType.UINT8:
        assert (images.min(), images.max()) == (0, 255)
    else:
        assert 0.9 < images.astype(np.float32).std() < 1.1


def test_float32_images_are_those_that_figures_were_measured_on() -> None:
    images = make_inputs(NetworkInput(size=ImageSize(4, 4)), seed=20231).images
    expected: Any = np.random.default_rng(20231).standard_normal((1, 3, 4, 4), dtype=np.float32)
    np.testing.assert_array_equal(images, expected)


def test_each_image_gets_the_constant_values() -> None:
    kind = InputKind(constants=(FACTOR,))
    inputs = make_inputs(NetworkInput(size=ImageSize(4, 4), batch=3, kind=kind), seed=1)
    assert inputs.constants["scale_factor"].tolist() == [[1, 0.5]] * 3


def test_an_artifact_with_other_inputs_is_refused_with_both() -> None:
    image, factor = np.zeros((1, 3, 4, 4)), np.ones((1, 2))
    assert list(named_inputs(["s", "x"], image, {"s": factor})) == ["x", "s"]
    for names in (["x", "y"], ["s"], ["x", "y", "s"]):
        with pytest.raises(RuntimeRefused) as refused:
            named_inputs(names, image, {"s": factor})
        assert ", ".join(names) in str(refused.value)
