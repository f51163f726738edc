"""A person's own model becomes artifacts as any backbone does, or is refused with one sentence."""

from __future__ import annotations

import pickle
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

from models.catalog.onnx_versions import OnnxVersions
from models.catalog.own import InputAxis, OwnFormat, own_backbone, own_folder
from models.catalog.precisions import MADE_PRECISIONS, Precision
from models.catalog.variants import Format, Target, Variant, WeightsKind, variants_of
from models.conversion.pipeline import Converted, Refused, convert
from models.processes.requests import AdoptAnswer, ReduceRequest
from models.weights.weights import WeightsUnavailable, resolve_weights
from protos.inputs import NetworkInput, square
from tests.integration.models.adopting import adopted, inspect, kept, onnx_refusal, refusal
from tests.integration.models.one_step import step
from tests.own_networks import (
    FIXED_SHAPE,
    onnx_network,
    save_onnx,
    with_ending,
    with_external_weights,
)


def refused_bytes(folder: Path, content: bytes) -> str:
    folder.mkdir(exist_ok=True)
    (folder / "model.onnx").write_bytes(content)
    return onnx_refusal(folder)


class TestOnnx:
    def test_a_sound_model_says_what_it_is(self, tmp_path: Path) -> None:
        network = onnx_network(FIXED_SHAPE)
        # Written by a newer exporter than the runtime, which its operators do not need.
        network.ir_version = 12
        save_onnx(network, tmp_path / "model.onnx")
        told = inspect(tmp_path)
        assert told.count is not None
        assert told.count.features is not None
        assert told.count.features.multiply_adds > 0
        assert replace(told, count=None) == AdoptAnswer(
            takes=NetworkInput(size=square(64)),
            params=8 * 3 * 3 * 3 + 8 * 10,
            output_shapes=((1, 10),),
            versions=OnnxVersions(ir_version=7, opset=14),
        )

    def test_an_open_size_is_fixed_to_what_is_asked_for(self, tmp_path: Path) -> None:
        save_onnx(onnx_network(), tmp_path / "model.onnx")
        assert " height and width are open" in onnx_refusal(tmp_path)
        assert inspect(tmp_path, square(96)).takes.size == square(96)

    @pytest.mark.parametrize(
        ("shape", "input_size", "assumed"),
        [
            ((-1, 3, 64, 64), None, {}),
            ((None, 3, 64, 64), None, {}),
            (("N", 3, "H", "W"), 64, {}),
            (("N", "C", "H", "W"), 64, {InputAxis.CHANNELS: 3}),
            ((-1, -1, -1, -1), 64, {InputAxis.CHANNELS: 3}),
            ((None, None, None, None), 64, {InputAxis.CHANNELS: 3}),
            (None, 64, {InputAxis.CHANNELS: 3}),
            ((1, 3, "H", 64), None, {InputAxis.HEIGHT: 64}),
            ((1, 3, 64, "W"), None, {InputAxis.WIDTH: 64}),
            ((1, 3, 64, "W"), 64, {}),
            ((1, -1, 64, -1), None, {InputAxis.CHANNELS: 3, InputAxis.WIDTH: 64}),
        ],
    )
    def test_what_a_model_leaves_open_is_asked_for_or_assumed_and_told(
        self,
        tmp_path: Path,
        shape: tuple[int | str | None, ...] | None,
        input_size: int | None,
        assumed: dict[InputAxis, int],
    ) -> None:
        save_onnx(onnx_network(shape), tmp_path / "model.onnx")
        answer = adopted(tmp_path, square(input_size) if input_size else None)
        assert answer.takes == NetworkInput(size=square(64))
        assert {each.axis: each.size for each in answer.assumed} == assumed
        session = onnxruntime.InferenceSession(str(tmp_path / "adopted.onnx"))
        assert session.get_inputs()[0].shape == [1, 3, 64, 64]

    @pytest.mark.parametrize(
        ("shape", "words"),
        [
            ((1, 64, 64, 64), "shape 1x64x64x64; it must be batch x channels x height x width"),
            ((1, 3), "shape 1x3; it must be batch x channels x height x width"),
            ((65, 3, 64, 64), "it takes 65 images per inference, more than 64"),
            ((1, 3, 100_000, 64), "1x3x100000x64, and a side of it is beyond 1024 px"),
        ],
    )
    def test_a_shape_that_is_no_image_is_refused(
        self, tmp_path: Path, shape: tuple[int, ...], words: str
    ) -> None:
        save_onnx(onnx_network(shape), tmp_path / "model.onnx")
        assert words in onnx_refusal(tmp_path)

    def test_another_size_than_the_fixed_one_is_refused(self, tmp_path: Path) -> None:
        save_onnx(onnx_network(FIXED_SHAPE), tmp_path / "model.onnx")
        assert "1x3x64x64, and 96" in onnx_refusal(tmp_path, square(96))

    def test_weights_in_other_files_are_never_followed(self, tmp_path: Path) -> None:
        secret = tmp_path / "secret"
        secret.write_bytes(np.zeros((8, 3, 3, 3), np.float32).tobytes())
        folder = tmp_path / "files"
        folder.mkdir()
        for location in ("../secret", str(secret), "secret"):
            model = with_external_weights(onnx_network(FIXED_SHAPE), location)
            assert "external data" in refused_bytes(folder, model.SerializeToString())

    @pytest.mark.parametrize(
        ("operator", "domain", "shown"),
        [("Frobnicate", "", "Frobnicate"), ("Magic", "com.acme", "com.acme.Magic")],
    )
    def test_unknown_operators_are_named(
        self, tmp_path: Path, operator: str, domain: str, shown: str
    ) -> None:
        model = onnx_network(FIXED_SHAPE, operator=operator, domain=domain)
        save_onnx(model, tmp_path / "model.onnx")
        assert onnx_refusal(tmp_path).endswith(f" not have: {shown}")

    def test_an_operator_that_reads_another_file_is_refused(self, tmp_path: Path) -> None:
        model = onnx_network(FIXED_SHAPE, operator="EPContext", domain="com.microsoft")
        # Not by a function of its name, either, which ONNX Runtime would not look at.
        model.functions.add(name="EPContext", domain="com.microsoft")
        save_onnx(model, tmp_path / "model.onnx")
        assert onnx_refusal(tmp_path).endswith(" needs: com.microsoft.EPContext")

    @pytest.mark.parametrize("domain", ["com.microsoft.nchwc", "com.ms.internal.nhwc"])
    def test_a_file_that_was_optimised_for_one_machine_is_called_that(
        self, tmp_path: Path, domain: str
    ) -> None:
        model = onnx_network(FIXED_SHAPE, domain=domain)
        said = refused_bytes(tmp_path / "files", model.SerializeToString())
        assert " optimised for the processor of one machine;" in said

    def test_what_is_too_new_is_refused_with_its_version(self, tmp_path: Path) -> None:
        model = onnx_network(FIXED_SHAPE)
        model.opset_import[0].version = 99
        assert "opset 99, at most " in refused_bytes(tmp_path / "files", model.SerializeToString())

    def test_several_inputs_and_another_kind_of_number_are_refused(self, tmp_path: Path) -> None:
        folder = tmp_path / "files"
        two = onnx_network(FIXED_SHAPE)
        two.graph.input.append(helper.make_tensor_value_info("mask", TensorProto.FLOAT, (1,)))
        said = refused_bytes(folder, two.SerializeToString())
        assert "image (1x3x64x64 float32), mask (1 float32);" in said
        doubles = onnx_network(FIXED_SHAPE, kind=TensorProto.DOUBLE)
        said = refused_bytes(folder, doubles.SerializeToString())
        assert "image (1x3x64x64 float64)" in said
        assert said.endswith(": float32, float16, uint8")

    def test_outputs_that_cannot_be_compared_are_refused(self, tmp_path: Path) -> None:
        folder = tmp_path / "files"
        chosen = helper.make_node("ArgMax", ["scores"], ["class"], axis=1)
        model = with_ending(onnx_network(FIXED_SHAPE), chosen, kind=TensorProto.INT64)
        assert " int64 numbers" in refused_bytes(folder, model.SerializeToString())
        noise = helper.make_node("RandomNormal", [], ["noise"], shape=[1, 10])
        both = helper.make_node("Add", ["scores", "noise"], ["noisy"])
        model = with_ending(onnx_network(FIXED_SHAPE), noise, both, kind=TensorProto.FLOAT)
        assert "one each time" in refused_bytes(folder, model.SerializeToString())
        listed = helper.make_node("SequenceConstruct", ["scores"], ["list"])
        model = with_ending(onnx_network(FIXED_SHAPE), listed, kind=TensorProto.FLOAT)
        of_scores = helper.make_tensor_type_proto(TensorProto.FLOAT, None)
        model.graph.output[0].type.CopyFrom(helper.make_sequence_type_proto(of_scores))
        assert "is no tensor" in refused_bytes(folder, model.SerializeToString())
        places = helper.make_node("NonZero", ["positive"], ["places"])
        positive = helper.make_node("Relu", ["image"], ["positive"])
        counted = helper.make_node("Cast", ["places"], ["counted"], to=TensorProto.FLOAT)
        ending = (positive, places, counted)
        model = with_ending(onnx_network(FIXED_SHAPE), *ending, kind=TensorProto.FLOAT)
        assert "another shape for" in refused_bytes(folder, model.SerializeToString())

    def test_the_usual_operators_have_another_name_for_their_domain(self, tmp_path: Path) -> None:
        model = onnx_network(FIXED_SHAPE)
        for node in model.graph.node:
            node.domain = "ai.onnx"
        save_onnx(model, tmp_path / "model.onnx")
        assert inspect(tmp_path).output_shapes == ((1, 10),)

    def test_terabytes_of_activations_are_refused_in_the_child(self, tmp_path: Path) -> None:
        model = onnx_network(FIXED_SHAPE)
        sizes = np.array([1, 10**6, 10**6], np.int64)
        model.graph.initializer.append(numpy_helper.from_array(sizes, "sizes"))
        many = helper.make_node("ConstantOfShape", ["sizes"], ["many"])
        total = helper.make_node("ReduceSum", ["many"], ["total"], keepdims=0)
        last = helper.make_node("Add", ["scores", "total"], ["sum"])
        model = with_ending(model, many, total, last, kind=TensorProto.FLOAT)
        save_onnx(model, tmp_path / "model.onnx")
        assert "Failed to allocate" in refusal(tmp_path)

    def test_files_of_other_kinds_are_called_what_they_are(self, tmp_path: Path) -> None:
        whole = onnx_network(FIXED_SHAPE).SerializeToString()
        archive = tmp_path / "archive"
        with zipfile.ZipFile(archive, "w") as stream:
            stream.writestr("model.onnx", whole)
        cases = {
            archive.read_bytes(): "the file is a zip archive, not an ONNX file",
            pickle.dumps({"weights": 1}): "the file is a pickle, not an ONNX file",
            b"\x89PNG\r\n\x1a\n" + bytes(50): "the file is a PNG image, not an ONNX file",
            whole[: len(whole) // 2]: "the file is no ONNX file, or only a part of one",
            b"": "the file is empty, not an ONNX file",
        }
        folder = tmp_path / "files"
        for content, sentence in cases.items():
            assert refused_bytes(folder, content) == sentence

    def test_it_becomes_onnx_artifacts_and_no_others(self, tmp_path: Path) -> None:
        files = tmp_path / "weights" / "files"
        files.mkdir(parents=True)
        # As exporters write it by default: nothing is fixed, neither here nor in what comes out.
        network = onnx_network((-1, "C", "H", "W"))
        network.graph.output[0].type.tensor_type.shape.dim[0].dim_value = -1
        network.ir_version = 12
        save_onnx(network, files / "model.onnx")
        backbone = kept(files, tmp_path / "weights", OwnFormat.ONNX)
        weights = resolve_weights(
            backbone, WeightsKind.PRETRAINED, tmp_path / "weights", lambda *_: None
        )
        assert weights.kind is WeightsKind.OWN
        made_for_x86 = (Format.PADDLELITE, Precision.FP32, Target.X86, square(64), 1)
        variants = (*variants_of(backbone, batches=(1, 2)), Variant("Mine", *made_for_x86))
        fates = convert(backbone, variants, weights, tmp_path / "made", lambda _step: None)
        made = [fate for fate in fates if isinstance(fate, Converted)]
        refused = [fate for fate in fates if isinstance(fate, Refused)]
        assert [fate.variant.batch for fate in made] == [1, 2]
        for fate in made:
            session = onnxruntime.InferenceSession(fate.path)
            assert session.get_inputs()[0].shape == [fate.variant.batch, 3, 64, 64]
            assert onnx.load(fate.path).ir_version == 7
            assert set(fate.tool_versions) == {"onnx", "onnxslim", "onnxruntime"}
        assert {fate.variant.format for fate in refused} == {Format.PADDLELITE}
        assert all("translates ONNX to" in fate.reason for fate in refused)


def test_what_came_quantised_is_int8_by_itself(tmp_path: Path) -> None:
    files = tmp_path / "weights" / "files"
    files.mkdir(parents=True)
    source = save_onnx(onnx_network(FIXED_SHAPE), tmp_path / "source.onnx")
    step(
        "onnx_int8_static",
        ReduceRequest(str(source), str(files / "model.onnx"), NetworkInput(size=square(64))),
        tmp_path,
    )
    assert adopted(files).precision is Precision.INT8
    for name in ("adopted.onnx", "reference.npz"):
        (files / name).unlink()
    digest = kept(files, tmp_path / "weights", OwnFormat.ONNX).architecture
    backbone = own_backbone(
        "Mine",
        OwnFormat.ONNX,
        digest,
        NetworkInput(size=square(64)),
        0.001,
        precision=Precision.INT8,
    )
    weights = resolve_weights(backbone, WeightsKind.OWN, tmp_path / "weights", lambda *_: None)
    variants = variants_of(backbone)
    assert variants_of(backbone, MADE_PRECISIONS) == ()
    (fate,) = convert(backbone, variants, weights, tmp_path / "made", lambda _step: None)
    assert isinstance(fate, Converted), fate
    assert fate.variant.precision is Precision.INT8
    assert fate.parity.input_count == 16


def test_files_that_were_altered_are_refused(tmp_path: Path) -> None:
    files = tmp_path / "weights" / "files"
    files.mkdir(parents=True)
    save_onnx(onnx_network(), files / "model.onnx")
    backbone = kept(files, tmp_path / "weights", OwnFormat.ONNX)
    path = own_folder(tmp_path / "weights", backbone.architecture) / "model.onnx"
    onnx.save(onnx_network(FIXED_SHAPE), path)
    with pytest.raises(WeightsUnavailable, match="altered since it was added; add the same files"):
        resolve_weights(backbone, WeightsKind.OWN, tmp_path / "weights", lambda *_: None)
