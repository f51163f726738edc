"""What people bring is planned as what it is: added as ONNX, or come quantised."""

from dataclasses import replace

import pytest

from controller.domain.conversions import ConversionSpec
from controller.domain.errors import ErrorCode, Refused
from controller.sweeps.planning import plan_conversion, plan_sweep
from models.catalog.catalog import Catalog
from models.catalog.own import OwnFormat, own_backbone
from models.catalog.precisions import MADE_PRECISIONS, Precision
from models.catalog.variants import Format, WeightsKind
from protos.inputs import NetworkInput, square
from protos.reasons import Reason, ReasonCode, reason
from protos.runtimes import Runtime
from tests.unit.controller.sweeps.test_planning import CATALOG, SPEC, device

QUANTISATION = (ReasonCode.CAME_QUANTISED, ReasonCode.NOT_QUANTISED)


def test_an_own_model_that_was_added_as_onnx_is_left_out_of_paddle_lite() -> None:
    own = [
        own_backbone(name, own_format, "5f" * 32, NetworkInput(size=square(224)), 3.5)
        for name, own_format in (("AsOnnx", OwnFormat.ONNX), ("AsPaddle", OwnFormat.PADDLE))
    ]
    spec = replace(SPEC, backbones=("AsOnnx", "AsPaddle"), threads=(1,), devices=("pc",))
    plan = plan_sweep(spec, [device("pc")], Catalog(own))
    assert [(job.variant.backbone, job.settings.runtime) for job in plan.jobs] == [
        ("AsOnnx", Runtime.ONNXRUNTIME),
        ("AsPaddle", Runtime.PADDLELITE),
        ("AsPaddle", Runtime.ONNXRUNTIME),
    ]
    without = (reason(ReasonCode.ADDED_AS_ONNX, {"backbone": "AsOnnx"}),)
    assert plan.left_out == without
    nothing = replace(spec, backbones=("AsOnnx",), runtimes=(Runtime.PADDLELITE,))
    with pytest.raises(Refused) as refused:
        plan_sweep(nothing, [device("pc")], Catalog(own))
    assert refused.value.code is ErrorCode.PRECONDITION
    assert refused.value.reasons == without
    # A conversion says it once, too, however many precisions, sizes and batches it has.
    conversion = ConversionSpec(
        backbones=("AsOnnx", "AsPaddle"),
        weights=WeightsKind.SYNTHETIC,
        precisions=(Precision.FP32, Precision.INT8_DYNAMIC),
        batches=(1, 2),
    )
    converted = plan_conversion(conversion, Catalog(own))
    assert converted.left_out == without
    assert {v.format for v in converted.variants if v.backbone == "AsOnnx"} == {Format.ONNX}
    assert {v.format for v in converted.variants if v.backbone == "AsPaddle"} == set(Format)


def test_what_came_quantised_is_int8_and_nothing_else_is_made_of_it() -> None:
    quantised = own_backbone(
        "Quantised",
        OwnFormat.ONNX,
        "5f" * 32,
        NetworkInput(size=square(224)),
        3.5,
        precision=Precision.INT8,
    )
    together = Catalog([*CATALOG, quantised])
    spec = replace(
        SPEC, backbones=("MobileNetV1", "Quantised"), threads=(1,), devices=("pc",), precisions=()
    )
    as_onnx = reason(ReasonCode.ADDED_AS_ONNX, {"backbone": "Quantised"})

    def planned(*precisions: Precision) -> tuple[set[tuple[str, Precision]], tuple[Reason, ...]]:
        plan = plan_sweep(replace(spec, precisions=precisions), [device("pc")], together)
        jobs = {(job.variant.backbone, job.variant.precision) for job in plan.jobs}
        return jobs, tuple(each for each in plan.left_out if each.code in QUANTISATION)

    fp32, int8 = ("MobileNetV1", Precision.FP32), ("Quantised", Precision.INT8)
    assert planned() == ({fp32, int8}, ())
    assert planned(Precision.FP32, Precision.INT8) == ({fp32, int8}, ())
    words = {"backbone": "Quantised", "asked": "fp32", "has": "int8"}
    assert planned(Precision.FP32) == ({fp32}, (reason(ReasonCode.CAME_QUANTISED, words),))
    made = ", ".join(each.value for each in MADE_PRECISIONS)
    other = reason(ReasonCode.NOT_QUANTISED, {"backbone": "MobileNetV1", "has": made})
    assert planned(Precision.INT8) == ({int8}, (other,))

    only = replace(spec, backbones=("Quantised",), runtimes=(Runtime.PADDLELITE,))
    with pytest.raises(Refused) as refused:
        plan_sweep(only, [device("pc")], together)
    assert refused.value.reasons == (as_onnx,)
    wanted = ConversionSpec(backbones=("Quantised",), weights=WeightsKind.SYNTHETIC)
    (variant,) = plan_conversion(wanted, together).variants
    assert (variant.format, variant.precision) == (Format.ONNX, Precision.INT8)
    with pytest.raises(Refused) as refused:
        plan_conversion(replace(wanted, precisions=(Precision.FP32,)), together)
    assert refused.value.reasons == (reason(ReasonCode.CAME_QUANTISED, words),)
