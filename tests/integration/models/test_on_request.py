"""Input sizes and batches on request, and what simplifying an ONNX file keeps."""

from __future__ import annotations

import shutil
from pathlib import Path

import onnx
import onnxruntime
import pytest

from models.catalog.catalog import load_catalog
from models.catalog.precisions import Precision
from models.catalog.variants import Format, Target, Variant, WeightsKind, variants_of
from models.conversion.pipeline import Converted, Refused, convert
from models.weights.weights import resolve_weights
from protos.inputs import ImageSize, square
from tests.integration.models.conftest import Conversion


def convert_on_request(
    name: str, workdir: Path, input_size: ImageSize, batch: int = 1
) -> list[Converted | Refused]:
    backbone = load_catalog().get(name)
    weights = resolve_weights(backbone, WeightsKind.SYNTHETIC, workdir, lambda *_: None)
    variants = variants_of(backbone, input_sizes=[input_size], batches=[batch])
    return convert(backbone, variants, weights, workdir, lambda _: None)


@pytest.mark.parametrize(
    ("name", "input_size", "batch", "passes"),
    [
        ("MobileNetV1_x0_25", ImageSize(160, 96), 3, ()),
        # Their parameters depend on the size.
        ("DeiT_tiny_patch16_224", square(160), 1, ()),
        # Every tool takes what its pass left, too.
        (
            *("SwinTransformer_tiny_patch4_window7_224", square(112), 2),
            ("constant_attention_mask",),
        ),
    ],
)
def test_an_input_size_and_batch_on_request(
    name: str, input_size: ImageSize, batch: int, passes: tuple[str, ...], tmp_path: Path
) -> None:
    fates = convert_on_request(name, tmp_path, input_size, batch)
    made = [fate for fate in fates if isinstance(fate, Converted)]
    assert [fate.variant.target for fate in made] == [Target.ARM, Target.X86, Target.ANY], fates
    assert len({fate.conversion_key for fate in made}) == 3
    assert [fate.passes[: len(passes)] for fate in made] == [passes] * 3
    session = onnxruntime.InferenceSession(str(made[2].path), providers=["CPUExecutionProvider"])
    assert session.get_inputs()[0].shape == [
        batch,
        3,
        input_size.height,
        input_size.width,
    ]


def test_a_size_that_a_network_cannot_take_is_refused(tmp_path: Path) -> None:
    fates = convert_on_request("LeViT_128S", tmp_path, square(160))
    assert [(f.step, f.crashed) for f in fates if isinstance(f, Refused)] == [("export", False)] * 3
    assert isinstance(fates[0], Refused)
    assert fates[0].reason.startswith("LeViT_128S ")
    assert " 160 px " in fates[0].reason
    assert " for 224 px" in fates[0].reason


def test_a_combination_that_does_not_exist_cannot_be_asked_for() -> None:
    with pytest.raises(ValueError, match=r"paddlelite for x86 .*'fp16'"):
        Variant("MobileNetV1", Format.PADDLELITE, Precision.FP16, Target.X86, square(224))


def test_the_onnx_file_is_simplified_and_says_so(pplcnet: Conversion) -> None:
    made = pplcnet.made[Target.ANY]
    translated = onnx.load(made.path.with_name("translated.onnx"))
    simplified = onnx.load(made.path)
    assert len(simplified.graph.node) < len(translated.graph.node)
    assert made.passes == ("onnxslim",)
    assert pplcnet.made[Target.X86].passes == ()


def test_what_cannot_be_simplified_is_kept_as_it_was_translated(
    pplcnet: Conversion, tmp_path: Path
) -> None:
    def spoil(step: str) -> None:
        # Simplifying reads a file that is cut short; the check reads the whole one.
        for translated in tmp_path.rglob("translated.onnx"):
            kept = translated.with_suffix(".kept")
            if "simplifying the" in step:
                shutil.copy(translated, kept)
                translated.write_bytes(translated.read_bytes()[:5000])
            elif "before simplifying" in step:
                shutil.copy(kept, translated)

    variants = [v for v in variants_of(pplcnet.backbone) if v.format is Format.ONNX]
    (made,) = convert(pplcnet.backbone, variants, pplcnet.weights, tmp_path, spoil)
    assert isinstance(made, Converted)
    assert made.path.name == "translated.onnx"
    assert made.passes == ()
