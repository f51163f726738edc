"""A person's own model may take other images than most, and says which."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import onnx
import onnxruntime
import pytest
from onnx import TensorProto

from models.catalog.own import OwnFormat
from models.catalog.precisions import MADE_PRECISIONS, Precision
from models.catalog.variants import WeightsKind, variants_of
from models.conversion.pipeline import Converted, Refused, convert
from models.weights.weights import resolve_weights
from protos.inputs import (
    ConstantInput,
    ElementType,
    ImageSize,
    InputKind,
    InputValues,
    Layout,
    NetworkInput,
    square,
)
from tests.integration.models.adopting import adopted, kept, onnx_refusal
from tests.own_networks import save_onnx, strange_network

NONSQUARE = ImageSize(48, 192)
HALF = TensorProto.FLOAT16
BYTES = TensorProto.UINT8
FACTOR = InputValues(name="scale_factor", values=(1, 0.5))


def kind(**more: Any) -> InputKind:
    return InputKind(**more)


SHAPES = {
    "nhwc": (strange_network(("N", 64, 64, 3), is_nhwc=True), 1, kind(layout=Layout.NHWC)),
    "open nhwc": (strange_network(("N", "H", "W", 3), is_nhwc=True), 1, kind(layout=Layout.NHWC)),
    "uint8": (
        strange_network(("N", 3, 64, 64), kind=BYTES),
        1,
        kind(element_type=ElementType.UINT8),
    ),
    "uint8 nhwc": (
        strange_network((1, 64, 64, 3), kind=BYTES, is_nhwc=True),
        1,
        kind(layout=Layout.NHWC, element_type=ElementType.UINT8),
    ),
    "float16": (
        strange_network(("N", 3, 64, 64), kind=HALF, output_kind=HALF),
        1,
        kind(element_type=ElementType.FLOAT16),
    ),
    "gray": (strange_network(("N", 1, 64, 64), channels=1), 1, kind(channels=1)),
    "rgba": (strange_network(("N", 4, 64, 64), channels=4), 1, kind(channels=4)),
    "batch of 4": (strange_network((4, 3, 64, 64)), 4, kind()),
}


@pytest.mark.parametrize("name", SHAPES)
def test_what_an_image_is_like_is_told_and_its_file_converts(name: str, tmp_path: Path) -> None:
    model, batch, expected = SHAPES[name]
    fates = converted(model, tmp_path, square(64))
    (made,) = fates
    assert isinstance(made, Converted), made
    session = onnxruntime.InferenceSession(made.path)
    takes = NetworkInput(size=square(64), batch=batch, kind=expected)
    assert session.get_inputs()[0].shape == list(takes.shape)
    assert made.variant.batch == batch


def test_height_and_width_may_differ(tmp_path: Path) -> None:
    files = tmp_path / "open"
    files.mkdir()
    save_onnx(strange_network(("N", 3, "H", "W")), files / "model.onnx")
    assert adopted(files, NONSQUARE).takes == NetworkInput(size=NONSQUARE)
    fixed = strange_network((1, 3, 48, 192))
    (made,) = converted(fixed, tmp_path, None)
    assert isinstance(made, Converted)
    assert made.variant.input_size == NONSQUARE
    (files / "model.onnx").write_bytes(fixed.SerializeToString())
    assert "1x3x48x192, and 192x48 px" in onnx_refusal(files, ImageSize(192, 48))


@pytest.mark.parametrize(
    ("shape", "batch", "given", "expected"),
    [
        (("N", 2), 1, (1, 0.5), {"shape": (2,), "values": (1, 0.5), "for_each_image": True}),
        (("N", 2), 4, (1, 0.5), {"shape": (2,), "values": (1, 0.5), "for_each_image": True}),
        ((1, 2), 1, (0.5,), {"shape": (1, 2), "values": (0.5, 0.5)}),
        ((4, 2), 4, (1, 0.5), {"shape": (2,), "values": (1, 0.5), "for_each_image": True}),
        ((None, None), 1, (1, 0.5), {"shape": (2,), "values": (1, 0.5), "for_each_image": True}),
    ],
)
def test_an_input_that_is_no_image_has_the_values_that_are_given(
    shape: Sequence[int | str | None],
    batch: int,
    given: tuple[float, ...],
    expected: dict[str, Any],
    tmp_path: Path,
) -> None:
    model = strange_network((batch, 3, 64, 64), factor=shape)
    values = InputValues(name="scale_factor", values=given)
    constant = ConstantInput(name="scale_factor", element_type=ElementType.FLOAT32, **expected)
    (made,) = converted(model, tmp_path, None, values)
    assert isinstance(made, Converted), made
    session = onnxruntime.InferenceSession(made.path)
    assert {each.name: each.shape for each in session.get_inputs()} == {
        "image": [batch, 3, 64, 64],
        "scale_factor": list(constant.shape_for(batch)),
    }
    assert made.parity.input_count == 4


@pytest.mark.parametrize(
    ("values", "tokens"),
    [
        ((), ("image (1x3x64x64 float32)", "scale_factor (?x2 float32)")),
        ((InputValues(name="scale", values=(1,)),), ("no input named 'scale'", "scale_factor (")),
        ((FACTOR, FACTOR), ("scale_factor are given twice",)),
        ((InputValues(name="scale_factor", values=(1, 1, 1)),), ("3 values do not fill", "(?x2 ")),
        ((InputValues(name="scale_factor", values=(1e39,)),), ("1e+39 is no float32",)),
        ((FACTOR, InputValues(name="image", values=(1,))), ("one has to be left, an image",)),
    ],
)
def test_values_that_do_not_hold_are_refused_with_the_models_inputs(
    values: tuple[InputValues, ...], tokens: tuple[str, ...], tmp_path: Path
) -> None:
    files = tmp_path / "files"
    files.mkdir()
    save_onnx(strange_network((1, 3, 64, 64), factor=("N", 2)), files / "model.onnx")
    sentence = onnx_refusal(files, None, *values)
    assert all(token in sentence for token in tokens), sentence


@pytest.mark.parametrize("name", ["uint8 nhwc", "gray", "batch of 4", "constant"])
def test_every_precision_of_it_is_made_and_compared(name: str, tmp_path: Path) -> None:
    if name == "constant":
        model = strange_network((1, 3, 64, 64), factor=("N", 2))
        fates = converted(model, tmp_path, None, FACTOR, precisions=tuple(Precision))
    else:
        fates = converted(SHAPES[name][0], tmp_path, square(64), precisions=tuple(Precision))
    assert all(isinstance(fate, Converted) for fate in fates), fates
    assert len(fates) == len(MADE_PRECISIONS)


def test_a_model_in_float16_is_compared_as_such_and_not_reduced_further(tmp_path: Path) -> None:
    model, *_ = SHAPES["float16"]
    made, *others = converted(model, tmp_path, None, precisions=tuple(Precision))
    assert isinstance(made, Converted), made
    assert made.parity.tolerance > 1e-2
    for fate in others:
        assert isinstance(fate, Refused), fate
        assert not fate.crashed
        assert "float16" in fate.reason


def converted(
    model: onnx.ModelProto,
    folder: Path,
    input_size: ImageSize | None,
    *values: InputValues,
    precisions: tuple[Precision, ...] = (Precision.FP32,),
) -> list[Converted | Refused]:
    """What becomes of a model that is inspected, kept and converted."""
    files = folder / "weights" / "files"
    files.mkdir(parents=True)
    save_onnx(model, files / "model.onnx")
    takes = adopted(files, input_size, *values).takes
    for left in ("adopted.onnx", "reference.npz"):
        (files / left).unlink()
    backbone = kept(files, folder / "weights", OwnFormat.ONNX, takes)
    weights = resolve_weights(backbone, WeightsKind.OWN, folder / "weights", lambda *_: None)
    return convert(
        backbone, variants_of(backbone, precisions), weights, folder / "made", lambda _: None
    )
