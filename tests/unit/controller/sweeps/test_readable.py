"""A file that a device's runtime is too old for is told before anything is pushed."""

from dataclasses import replace

import onnxruntime
import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.domain.errors import ErrorCode, Refused
from controller.sweeps.planning import plan_sweep
from controller.sweeps.possible.known_files import KnownFiles
from controller.sweeps.possible.readable import most_readable
from models.catalog.catalog import Catalog
from models.catalog.needs import FileNeeds
from models.catalog.onnx_versions import TRANSLATED, OnnxVersions
from models.catalog.own import OwnFormat, own_backbone
from models.catalog.precisions import Precision
from models.catalog.variants import variants_of
from models.steps.onnx.versions import reads
from protos.inputs import NetworkInput, square
from protos.reasons import Reason, ReasonCode, reason
from protos.runtimes import Runtime, RuntimeInfo
from tests.unit.controller.sweeps.test_planning import CATALOG, SPEC, device

OWN = own_backbone("Own", OwnFormat.ONNX, "5f" * 32, NetworkInput(size=square(224)), 3.5)
OF_OWN = KnownFiles(own={"Own": OnnxVersions(10, 21)})
OWN_SPEC = replace(SPEC, backbones=("Own",), threads=(1,), runtimes=(Runtime.ONNXRUNTIME,))


def with_onnxruntime(version: str, *others: RuntimeInfo) -> tuple[RuntimeInfo, ...]:
    return (RuntimeInfo(runtime=Runtime.ONNXRUNTIME, version=version), *others)


def why(name: str, version: str, needed: OnnxVersions, reads: OnnxVersions) -> Reason:
    return reason(
        ReasonCode.FILE_TOO_NEW,
        {"device": name, "backbone": "Own", "version": version},
        ir_version=needed.ir_version,
        opset=needed.opset,
        reads_ir_version=reads.ir_version,
        reads_opset=reads.opset,
    )


@pytest.mark.parametrize(
    ("version", "reads"),
    [
        ("1.15.1", OnnxVersions(9, 19)),
        ("1.16.3+git", OnnxVersions(9, 19)),
        ("1.17.0.dev20240101", OnnxVersions(9, 20)),
        ("1.10.0", OnnxVersions(8, 15)),
        ("1.32.0", OnnxVersions(14, 28)),
        # Not known, so nothing is refused for it.
        ("1.33.0", None),
        ("2.0", None),
        ("1.1.0", None),
        ("1", None),
        ("", None),
        ("a commit", None),
    ],
)
def test_what_each_release_reads(version: str, reads: OnnxVersions | None) -> None:
    assert most_readable(version) == reads


def test_the_runtime_here_reads_what_the_table_says_and_no_more() -> None:
    most = most_readable(onnxruntime.__version__)
    assert most is not None
    assert reads(most.ir_version, most.opset)
    assert not reads(most.ir_version + 1, most.opset)
    assert not reads(most.ir_version, most.opset + 1)


@given(minor=st.integers(2, 31))
def test_a_newer_release_reads_no_less(minor: int) -> None:
    older, newer = most_readable(f"1.{minor}.0"), most_readable(f"1.{minor + 1}.0")
    assert older is not None
    assert newer is not None
    assert (older.ir_version, older.opset) <= (newer.ir_version, newer.opset)
    assert older.opset <= newer.opset


def test_a_sweep_is_refused_where_all_named_devices_have_too_old_a_runtime() -> None:
    devices = [device("old", runtimes=with_onnxruntime("1.15.1")), device("new")]
    with pytest.raises(Refused) as refused:
        plan_sweep(replace(OWN_SPEC, devices=("old",)), devices, Catalog([OWN]), OF_OWN)
    assert refused.value.code is ErrorCode.PRECONDITION
    told = why("old", "1.15.1", OnnxVersions(10, 21), OnnxVersions(9, 19))
    assert refused.value.reasons == (told,)
    both = replace(OWN_SPEC, devices=("old", "new"))
    plan = plan_sweep(both, devices, Catalog([OWN]), OF_OWN)
    assert {job.device_id for job in plan.jobs} == {"id-of-new"}
    assert plan.left_out == (told,)


def test_a_device_that_nobody_named_is_left_out_of_what_it_cannot_read() -> None:
    devices = [device("old", runtimes=with_onnxruntime("1.15.1")), device("new")]
    plan = plan_sweep(OWN_SPEC, devices, Catalog([OWN, *CATALOG]), OF_OWN)
    assert {job.device_id for job in plan.jobs} == {"id-of-new"}
    assert [each.code for each in plan.left_out] == [ReasonCode.FILE_TOO_NEW]
    both = replace(OWN_SPEC, backbones=("Own", "MobileNetV1"), sentinel=True)
    plan = plan_sweep(both, devices, Catalog([OWN, *CATALOG]), OF_OWN)
    old = [job for job in plan.jobs if job.device_id == "id-of-old"]
    assert [(job.variant.backbone, job.is_sentinel) for job in old] == [
        ("MobileNetV1_x0_25", True),
        ("MobileNetV1", False),
    ]


def test_a_variant_of_which_there_is_no_file_needs_what_is_asked_of_its_making() -> None:
    lite = RuntimeInfo(runtime=Runtime.PADDLELITE, version="2.13rc0")
    devices = [device("old", runtimes=with_onnxruntime("1.7.0", lite))]
    spec = replace(SPEC, backbones=("MobileNetV1",), threads=(1,), devices=("old",), sentinel=True)
    # Of a backbone that another runtime of the device has a file of, only the rest is left out.
    plan = plan_sweep(spec, devices, CATALOG)
    assert {job.settings.runtime for job in plan.jobs} == {Runtime.PADDLELITE}
    (told,) = plan.left_out
    assert told.figures["opset"] == TRANSLATED.opset
    with pytest.raises(Refused):
        plan_sweep(replace(spec, runtimes=(Runtime.ONNXRUNTIME,)), devices, CATALOG)


def test_what_was_made_counts_more_than_what_was_asked_of_its_making() -> None:
    (fp32,) = variants_of(OWN)
    made = KnownFiles(made={fp32: FileNeeds(OnnxVersions(8, 17))}, own=OF_OWN.own)
    old = [device("old", runtimes=with_onnxruntime("1.15.1"))]
    assert len(plan_sweep(OWN_SPEC, old, Catalog([OWN]), made).jobs) == 1
    fp16 = replace(OWN_SPEC, precisions=(Precision.FP16,))
    with pytest.raises(Refused):
        plan_sweep(fp16, old, Catalog([OWN]), made)
