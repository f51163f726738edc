"""Reduced precisions with the real tools: checked files, or what is lost and what to do."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import cast

import numpy as np
import onnx
import onnxruntime
import pytest

from agent.runtimes import LoadSettings
from agent.runtimes import onnxruntime as onnxruntime_cpu
from models.catalog.catalog import Backbone, load_catalog
from models.catalog.own import FILE_NAMES, OwnFormat, own_backbone, own_digest, own_folder
from models.catalog.precisions import Precision
from models.catalog.variants import CheckedThrough, Target, Variant, WeightsKind, variants_of
from models.conversion.pipeline import Converted, Refused, convert
from models.processes.child import StepFailed
from models.processes.requests import PaddleLiteRequest, ReduceRequest
from models.steps.parity.compare import Array
from models.weights.weights import resolve_weights
from protos.inputs import NetworkInput, square
from protos.reference.noise import noise_images
from tests.integration.models.one_step import step
from tests.own_networks import FIXED_SHAPE, onnx_network, save_onnx, save_paddle

FP32, FP16 = Precision.FP32, Precision.FP16
DYNAMIC, STATIC = Precision.INT8_DYNAMIC, Precision.INT8_STATIC

Key = tuple[Target, Precision]


@dataclass(frozen=True)
class Reduced:
    """Every precision of a backbone: what was made, what was refused, and their folder."""

    made: dict[Key, Converted]
    refused: dict[Key, Refused]
    folder: Path


def convert_to(variants: tuple[Variant, ...], workdir: Path) -> Reduced:
    backbone = load_catalog().get(variants[0].backbone)
    weights = resolve_weights(backbone, WeightsKind.SYNTHETIC, workdir, lambda *_: None)
    made, refused = {}, {}
    for fate in convert(backbone, variants, weights, workdir, lambda _: None):
        key = (fate.variant.target, fate.variant.precision)
        if isinstance(fate, Converted):
            made[key] = fate
        else:
            refused[key] = fate
    return Reduced(made, refused, next(workdir.iterdir()))


def all_of(name: str) -> tuple[Variant, ...]:
    return variants_of(load_catalog().get(name), tuple(Precision))


@pytest.fixture(scope="module")
def cnn(tmp_path_factory: pytest.TempPathFactory) -> Reduced:
    return convert_to(all_of("MobileNetV1_x0_25"), tmp_path_factory.mktemp("cnn"))


@pytest.fixture(scope="module")
def transformer(tmp_path_factory: pytest.TempPathFactory) -> Reduced:
    return convert_to(all_of("DeiT_tiny_patch16_224"), tmp_path_factory.mktemp("transformer"))


def test_every_precision_of_a_transformer_is_made_and_checked(transformer: Reduced) -> None:
    assert not transformer.refused
    assert len(transformer.made) == 9
    assert len({made.conversion_key for made in transformer.made.values()}) == 9
    assert len({made.sha256 for made in transformer.made.values()}) == 9
    for (_, precision), made in transformer.made.items():
        parity = made.parity
        assert 0 < parity.max_relative_difference <= parity.tolerance
        assert made.seconds > 0
        if precision is FP32:
            assert (parity.input_count, parity.tolerance) == (4, 1e-4)
            assert (parity.top1_agreement, parity.correlation) == (None, None)
        else:
            assert parity.input_count == 16
            assert parity.top1_agreement is not None
            assert 0.75 <= parity.top1_agreement <= 1
            assert parity.correlation is not None
            assert parity.correlation > 0.98


def test_every_precision_of_a_cnn_is_made_but_the_one_that_wrecks_it(cnn: Reduced) -> None:
    assert len(cnn.made) == 8
    assert list(cnn.refused) == [(Target.ANY, STATIC)]


def test_a_wrecked_network_is_refused_with_what_is_left_and_what_to_do(cnn: Reduced) -> None:
    # Its 16 images have one class, which it keeps: top-1 alone would not tell.
    refused = cnn.refused[Target.ANY, STATIC]
    assert not refused.crashed
    assert refused.step == "parity_onnx"
    assert "correlation of 0.4" in refused.reason
    assert " below 0.5; ask" in refused.reason
    assert refused.reason.endswith(" as fp32")


@pytest.mark.parametrize("name", ["cnn", "transformer"])
def test_what_answers_for_a_file_is_said(name: str, request: pytest.FixtureRequest) -> None:
    reduced: Reduced = request.getfixturevalue(name)
    for (target, precision), made in reduced.made.items():
        if target is not Target.ARM:
            expected = CheckedThrough.OWN_FORMAT
        elif precision is FP16:
            expected = CheckedThrough.FP32_AND_FP16_TWINS
        else:
            expected = CheckedThrough.X86_TWIN
        assert made.parity.checked_through is expected
        rewritten = target is not Target.ANY and precision is DYNAMIC
        assert ("mul_by_constant" in made.passes) is rewritten


def test_sizes_follow_the_precision(transformer: Reduced) -> None:
    sizes = {key: made.size_bytes for key, made in transformer.made.items()}
    assert sizes[Target.X86, DYNAMIC] < 0.35 * sizes[Target.X86, FP32]
    assert sizes[Target.ARM, DYNAMIC] < 0.35 * sizes[Target.ARM, FP32]
    assert sizes[Target.ANY, FP16] < 0.55 * sizes[Target.ANY, FP32]
    assert sizes[Target.ANY, DYNAMIC] < 0.35 * sizes[Target.ANY, FP32]
    assert sizes[Target.ANY, STATIC] < 0.35 * sizes[Target.ANY, FP32]
    # An arm file of float16 has float32 weights: other kernels, no smaller file.
    assert sizes[Target.ARM, FP16] > 0.98 * sizes[Target.ARM, FP32]


def test_float32_is_what_it_is_without_other_precisions(cnn: Reduced, tmp_path: Path) -> None:
    alone = convert_to(variants_of(load_catalog().get("MobileNetV1_x0_25")), tmp_path)
    assert len(alone.made) == 3
    for key, made in alone.made.items():
        among = cnn.made[key]
        assert (made.sha256, made.parity) == (among.sha256, among.parity)
        assert made.conversion_key == among.conversion_key
    few = np.load(alone.folder / "reference.npz")["inputs"]
    many = np.load(cnn.folder / "reference.npz")["inputs"]
    assert (len(few), len(many)) == (4, 16)
    np.testing.assert_array_equal(few, many[:4])
    assert len(np.unique(many.reshape(16, -1), axis=0)) == 16


IMAGE = NetworkInput(size=square(224))


@pytest.mark.parametrize(
    ("name", "precision"),
    [
        ("onnx_fp16", FP16),
        ("onnx_int8_dynamic", DYNAMIC),
        ("onnx_int8_static", STATIC),
    ],
)
def test_an_onnx_file_has_the_same_bytes_each_time(
    name: str, precision: Precision, cnn: Reduced, tmp_path: Path
) -> None:
    source = cnn.made[Target.ANY, FP32].path
    again = tmp_path / "again.onnx"
    step(
        name,
        ReduceRequest(str(source), str(again), IMAGE),
        tmp_path,
        readable=(source.parent,),
    )
    assert again.read_bytes() == (source.parent / f"{precision.value}.onnx").read_bytes()


@pytest.mark.parametrize("precision", [FP16, DYNAMIC])
def test_a_paddle_lite_file_has_the_same_bytes_each_time(
    precision: Precision, cnn: Reduced, tmp_path: Path
) -> None:
    prefix = cnn.folder / ("program-int8" if precision is DYNAMIC else "program")
    again = tmp_path / "again.nb"
    request = PaddleLiteRequest(str(prefix), "arm", str(again), precision)
    step("paddle_lite", request, tmp_path, readable=(prefix.parent,))
    assert again.read_bytes() == cnn.made[Target.ARM, precision].path.read_bytes()


@pytest.mark.parametrize("precision", [FP16, DYNAMIC, STATIC])
def test_an_agent_runs_an_onnx_file_on_float32_images(
    precision: Precision, transformer: Reduced
) -> None:
    artifact = transformer.made[Target.ANY, precision].path
    network = onnxruntime_cpu.load(artifact, LoadSettings(threads=1))
    network.set_input(noise_images(1, square(224), 1), {})
    (scores,) = cast(list[Array], network.run())
    assert scores.shape == (1, 1000)
    assert scores.dtype == np.float32
    assert np.isfinite(scores).all()


def test_static_ranges_are_taken_in_batches_of_the_input(tmp_path: Path) -> None:
    source = save_onnx(onnx_network((3, 3, 64, 64)), tmp_path / "batch.onnx")
    made = tmp_path / "int8.onnx"
    takes = NetworkInput(size=square(64), batch=3)
    step("onnx_int8_static", ReduceRequest(str(source), str(made), takes), tmp_path)
    session = onnxruntime.InferenceSession(str(made), providers=["CPUExecutionProvider"])
    image = noise_images(3, square(64), 1)
    (scores,) = session.run(None, {session.get_inputs()[0].name: image})
    assert scores.shape == (3, 10)


def own(files: Path, weights_dir: Path, own_format: OwnFormat) -> Backbone:
    """A model of a person's own, its files where a controller keeps them."""
    digest = own_digest(files)
    own_folder(weights_dir, digest).parent.mkdir(parents=True)
    files.rename(own_folder(weights_dir, digest))
    return own_backbone("Mine", own_format, digest, NetworkInput(size=square(64)), 0.001)


def own_files(own_format: OwnFormat, folder: Path) -> Path:
    files = folder / "files"
    files.mkdir()
    if own_format is OwnFormat.ONNX:
        return save_onnx(onnx_network(FIXED_SHAPE), files / "model.onnx").parent
    program = save_paddle(folder / "program")
    for name in FILE_NAMES[own_format]:
        (program / f"inference{Path(name).suffix}").rename(files / name)
    return files


@pytest.mark.parametrize(("own_format", "count"), [(OwnFormat.ONNX, 4), (OwnFormat.PADDLE, 9)])
def test_a_model_of_ones_own_has_every_precision(
    own_format: OwnFormat, count: int, tmp_path: Path
) -> None:
    backbone = own(own_files(own_format, tmp_path), tmp_path / "weights", own_format)
    weights = resolve_weights(backbone, WeightsKind.OWN, tmp_path / "weights", lambda *_: None)
    variants = variants_of(backbone, tuple(Precision))
    fates = convert(backbone, variants, weights, tmp_path / "made", lambda _: None)
    made = [fate for fate in fates if isinstance(fate, Converted)]
    assert len(made) == count, fates
    assert {fate.parity.input_count for fate in made} == {4, 16}


def test_what_has_nothing_to_quantise_is_refused(tmp_path: Path) -> None:
    model = onnx_network(FIXED_SHAPE)
    del model.graph.node[-1]
    model.graph.output[0].CopyFrom(
        onnx.helper.make_tensor_value_info("flat", onnx.TensorProto.FLOAT, (1, 8))
    )
    source = save_onnx(model, tmp_path / "convolutions.onnx")
    request = ReduceRequest(str(source), str(tmp_path / "o.onnx"), NetworkInput(size=square(64)))
    with pytest.raises(StepFailed) as caught:
        step("onnx_int8_dynamic", request, tmp_path)
    assert not caught.value.crashed
    assert " MatMul or Gemm" in caught.value.reason
    assert caught.value.reason.endswith("; ask for another precision")
