"""Conversion with the real tools: artifacts that compute what Paddle computes, or a reason."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnxruntime
import pytest

from models.catalog.catalog import load_catalog
from models.catalog.features import NetworkCount, load_features
from models.catalog.precisions import Precision
from models.catalog.variants import CheckedThrough, Target, WeightsKind, variants_of
from models.conversion.pipeline import (
    ConversionCancelled,
    Converted,
    Refused,
    conversion_key,
    convert,
)
from models.processes.child import Cancellation, StepFailed, StepLimits, run_step
from models.processes.requests import (
    ExportAnswer,
    ExportRequest,
    FileAnswer,
    PaddleLiteRequest,
    ParityAnswer,
    ParityRequest,
)
from models.recipes.acceptance import ACCEPTANCE
from models.recipes.output_tolerance import output_tolerance
from models.weights.weights import resolve_weights
from protos.inputs import square
from protos.reference.outputs import inputs_digest, read_outputs
from tests.integration.models.conftest import Conversion


def check(step: str, artifact: Path, conversion: Conversion, tmp_path: Path) -> ParityAnswer:
    reference = conversion.folder / "reference.npz"
    return run_step(
        step,
        ParityRequest(str(artifact), str(reference), 1e-4),
        ParityAnswer,
        workdir=tmp_path,
        limits=StepLimits(),
        cancellation=Cancellation(),
        readable=(conversion.folder, artifact),
    )


@pytest.mark.parametrize("name", ["pplcnet", "mobilenet"])
def test_three_artifacts_compute_what_paddle_computes(
    name: str, request: pytest.FixtureRequest
) -> None:
    conversion: Conversion = request.getfixturevalue(name)
    for target, made in conversion.made.items():
        assert made.path.suffix == (".onnx" if target is Target.ANY else ".nb")
        assert made.sha256 == hashlib.sha256(made.path.read_bytes()).hexdigest()
        assert made.size_bytes == made.path.stat().st_size > 1_000_000
        assert made.conversion_key == conversion_key(made.variant, conversion.weights)
        assert made.weights == conversion.weights
        assert 0 < made.parity.max_relative_difference < 2e-5
        assert (made.parity.tolerance, made.parity.input_count) == (1e-4, 4)
        assert made.tool_versions["paddlepaddle"] == "2.6.2"
        network = (conversion.backbone.architecture, conversion.backbone.input_size.height)
        assert made.count == NetworkCount(features=load_features()[network])
    checked = {target: made.parity.checked_through for target, made in conversion.made.items()}
    assert {target: by for target, by in checked.items() if not target.is_accelerator} == {
        Target.ARM: CheckedThrough.X86_TWIN,
        Target.X86: CheckedThrough.OWN_FORMAT,
        Target.ANY: CheckedThrough.OWN_FORMAT,
    }
    arm, x86 = conversion.made[Target.ARM], conversion.made[Target.X86]
    assert arm.sha256 != x86.sha256
    assert arm.parity.max_relative_difference == x86.parity.max_relative_difference


def test_files_for_accelerators_have_their_kernels_and_a_twin_that_answers_for_them(
    mobilenet: Conversion,
) -> None:
    opencl, nnapi = mobilenet.made[Target.OPENCL], mobilenet.made[Target.NNAPI]
    # What goes to a GPU and back, and a part of the graph that NNAdapter takes whole.
    assert "io_copy" in opencl.operators
    assert "subgraph" in nnapi.operators
    for made in (opencl, nnapi):
        assert made.parity.checked_through is CheckedThrough.X86_TWIN
        assert made.sha256 != mobilenet.made[Target.ARM].sha256


def test_paddles_outputs_go_beside_each_artifact(pplcnet: Conversion) -> None:
    references = [made.reference for made in pplcnet.made.values() if made.reference is not None]
    assert len(references) == 3
    (path,) = {each.path for each in references}
    (sha256,) = {each.sha256 for each in references}
    assert sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert {each.size_bytes for each in references} == {path.stat().st_size}
    # Four inputs with a thousand scores each.
    assert 16_000 <= path.stat().st_size < 17_000
    compared_with = read_outputs(path)
    with np.load(pplcnet.folder / "reference.npz") as stored:
        assert inputs_digest(stored["inputs"][:4]) == compared_with.inputs_sha256
        assert np.array_equal(stored["output_0"][:, 0], compared_with.kept[0])
    made = pplcnet.made[Target.ARM]
    assert made.reference is not None
    difference = made.parity.max_relative_difference
    assert made.reference.tolerance == output_tolerance(made.variant, difference, 1e-4) > 5e-3


def test_each_step_is_told_once(pplcnet: Conversion) -> None:
    assert pplcnet.steps[0] == "exporting"
    assert len(pplcnet.steps) == len(set(pplcnet.steps)) == 7


@pytest.mark.parametrize(("factor", "passes"), [(10_000, True), (0, False)])
def test_beyond_the_tolerance_rounding_decides(
    factor: int, passes: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # No two runtimes agree to the last bit.
    none = replace(ACCEPTANCE[Precision.FP32], tolerance=1e-12)
    monkeypatch.setattr(
        "models.conversion.program.ACCEPTANCE", {**ACCEPTANCE, Precision.FP32: none}
    )
    monkeypatch.setattr("models.conversion.program.ROUNDING_FACTOR", factor)
    backbone = load_catalog().get("PPLCNet_x0_25")
    weights = resolve_weights(backbone, WeightsKind.SYNTHETIC, tmp_path, lambda *_: None)
    wanted = [each for each in variants_of(backbone) if each.target is Target.X86]
    said: list[str] = []
    (fate,) = convert(backbone, wanted, weights, tmp_path / "work", said.append)
    assert any("one rounding" in each for each in said)
    if passes:
        assert isinstance(fate, Converted)
        assert 1e-12 < fate.parity.max_relative_difference < fate.parity.tolerance
        assert 1e-8 < fate.parity.tolerance / factor < 1e-4
    else:
        assert isinstance(fate, Refused)
        assert fate.step.startswith("parity_")
        assert "tolerance of 1e-12" in fate.reason


def test_what_no_onnx_file_holds_is_refused_before_it_is_exported(tmp_path: Path) -> None:
    backbone = replace(load_catalog().get("PPLCNet_x0_25"), counted_params_m=600.0)
    weights = resolve_weights(backbone, WeightsKind.SYNTHETIC, tmp_path, lambda *_: None)
    wanted = [each for each in variants_of(backbone) if each.target is Target.ANY]
    said: list[str] = []
    (fate,) = convert(backbone, wanted, weights, tmp_path / "work", said.append)
    assert isinstance(fate, Refused)
    assert (fate.step, said) == ("onnx", [])
    assert " 2.4 GB, " in fate.reason
    assert fate.reason.endswith(" 2.1 GB")


def test_the_artifacts_input_has_the_variants_size(pplcnet: Conversion) -> None:
    session = onnxruntime.InferenceSession(str(pplcnet.made[Target.ANY].path))
    (image,) = session.get_inputs()
    assert image.shape == [1, 3, 224, 224]
    assert [output.shape for output in session.get_outputs()] == [[1, 1000]]


def test_an_altered_onnx_file_fails_parity(mobilenet: Conversion, tmp_path: Path) -> None:
    whole = mobilenet.made[Target.ANY].path
    altered = tmp_path / "altered.onnx"
    content = bytearray(whole.read_bytes())
    # Deep inside the file there is nothing but weights.
    middle = len(content) // 2
    content[middle : middle + 200_000] = bytes(200_000)
    altered.write_bytes(content)
    with pytest.raises(StepFailed, match=r"differ .* the tolerance"):
        check("parity_onnx", altered, mobilenet, tmp_path)
    assert check("parity_onnx", whole, mobilenet, tmp_path).max_relative_difference < 1e-4


@pytest.mark.parametrize(
    ("step", "target"),
    [("parity_onnx", Target.ANY), ("parity_paddle_lite", Target.X86)],
)
def test_a_truncated_artifact_is_refused(
    step: str, target: Target, mobilenet: Conversion, tmp_path: Path
) -> None:
    whole = mobilenet.made[target].path
    cut = tmp_path / f"cut{whole.suffix}"
    cut.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    with pytest.raises(StepFailed) as caught:
        check(step, cut, mobilenet, tmp_path)
    assert caught.value.step == step


def test_the_optimiser_gives_the_same_bytes_each_time(pplcnet: Conversion, tmp_path: Path) -> None:
    again = tmp_path / "again.nb"
    run_step(
        "paddle_lite",
        PaddleLiteRequest(str(pplcnet.folder / "program"), "arm", str(again)),
        FileAnswer,
        workdir=tmp_path,
        limits=StepLimits(),
        cancellation=Cancellation(),
        readable=(pplcnet.folder,),
    )
    assert again.read_bytes() == pplcnet.made[Target.ARM].path.read_bytes()


def test_a_converter_that_crashes_refuses_its_own_variants_only(
    pplcnet: Conversion, tmp_path: Path
) -> None:
    def spoil(step: str) -> None:
        # No file can be written where a folder is.
        if step.endswith("converting to Paddle Lite for x86"):
            (tmp_path / "224px-batch1" / "x86.nb").mkdir()

    variants = variants_of(pplcnet.backbone)
    arm, x86, onnx = convert(pplcnet.backbone, variants, pplcnet.weights, tmp_path, spoil)
    assert isinstance(x86, Refused)
    assert x86.step == "paddle_lite"
    assert x86.crashed
    assert " died by SIG" in x86.reason
    assert isinstance(arm, Refused)
    assert arm.reason.startswith("its x86 twin")
    assert arm.reason.endswith(f": {x86.reason}")
    assert isinstance(onnx, Converted)
    # The same ingredients gave the same bytes as in another process before.
    assert onnx.sha256 == pplcnet.made[Target.ANY].sha256


def test_an_export_beyond_its_time_refuses_every_variant(
    pplcnet: Conversion, tmp_path: Path
) -> None:
    fates = convert(
        pplcnet.backbone,
        variants_of(pplcnet.backbone),
        pplcnet.weights,
        tmp_path,
        lambda _: None,
        limits=StepLimits(timeout_s=0.2),
    )
    assert len(fates) == 3
    for fate in fates:
        assert isinstance(fate, Refused)
        assert fate.step == "export"
        assert " after 0.2 s" in fate.reason


def test_a_conversion_can_be_cancelled(pplcnet: Conversion, tmp_path: Path) -> None:
    cancellation = Cancellation()
    variants = variants_of(pplcnet.backbone)
    with ThreadPoolExecutor(1) as pool:
        future = pool.submit(
            convert,
            pplcnet.backbone,
            variants,
            pplcnet.weights,
            tmp_path,
            lambda _: cancellation.cancel(),
            cancellation=cancellation,
        )
        with pytest.raises(ConversionCancelled):
            future.result(timeout=60)


def test_what_belongs_to_another_backbone_is_refused(
    pplcnet: Conversion, mobilenet: Conversion, tmp_path: Path
) -> None:
    variants = variants_of(pplcnet.backbone)
    with pytest.raises(ValueError, match="weights of MobileNetV3_small_x1_0"):
        convert(pplcnet.backbone, variants, mobilenet.weights, tmp_path, lambda _: None)
    with pytest.raises(ValueError, match="variant of MobileNetV3_small_x1_0"):
        convert(mobilenet.backbone, variants, mobilenet.weights, tmp_path, lambda _: None)


def export(architecture: str, tmp_path: Path) -> ExportAnswer:
    request = ExportRequest(
        architecture=architecture,
        input_size=square(64),
        batch=1,
        evaluation_size=square(64),
        weights_path=None,
        seed=0,
        program_prefix=str(tmp_path / "program"),
        reference_path=str(tmp_path / "reference.npz"),
    )
    return run_step(
        "export",
        request,
        ExportAnswer,
        workdir=tmp_path,
        limits=StepLimits(),
        cancellation=Cancellation(),
    )


def test_training_branches_are_fused_and_outputs_stay(tmp_path: Path) -> None:
    answer = export("RepVGG_A0", tmp_path)
    assert answer.fused_blocks == 22
    assert 0 < answer.rewrite_difference < 1e-5


# RepVGG_D2se in small.
FUSE_WITH_ATTENTION = """
import json
import paddle
from models.steps.paddle import architectures, synthetic
from protos.reference.differences import relative_difference
from models.steps.paddle.fusion import fuse_blocks
from protos.reference.noise import noise_images
from protos.inputs import square
paddle.seed(0)
network = type(architectures.build("RepVGG_A0"))([1, 2, 1, 1], [0.25] * 4, use_se=True)
network.eval()
synthetic.calibrate(network, 64, 8)
images = paddle.to_tensor(noise_images(2, square(64), 1))
with paddle.no_grad():
    before = network(images).numpy()
    fused = fuse_blocks(network)
    after = network(images).numpy()
print(json.dumps([fused, relative_difference(after, before)]))
"""


def test_fused_blocks_go_on_attending() -> None:
    command = [sys.executable, "-c", FUSE_WITH_ATTENTION]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    fused, difference = json.loads(done.stdout.splitlines()[-1])
    assert fused == 6
    assert 0 < difference < 1e-5


def test_what_paddleclas_cannot_build_is_said(tmp_path: Path) -> None:
    with pytest.raises(StepFailed) as caught:
        export("NoSuchNet", tmp_path)
    assert not caught.value.crashed
    assert caught.value.reason.endswith(" named 'NoSuchNet'")


def test_an_architecture_without_an_address_of_weights_is_built(tmp_path: Path) -> None:
    assert export("MobileViTV2_x0_75", tmp_path).output_scale > 0
