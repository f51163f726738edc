"""What crosses the wire arrives as it was sent."""

import dataclasses
import math
import re
from enum import Enum

import pytest
from google.protobuf.message import Message
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from controller.domain import catalog, conversions, cores, measurements, profiles, rankings, sweeps
from models.catalog import own, tiers, variants
from protos import device, fleet, measuring, runtimes
from protos.codec import MessageInvalid, from_message, to_message
from protos.v1 import fleet_pb2, query_pb2, types_pb2
from tests.unit.controller.samples.conversions import made

PAIRS: list[tuple[type, type[Message]]] = [
    (runtimes.RuntimeInfo, types_pb2.RuntimeInfo),
    (device.CoreCluster, types_pb2.CoreCluster),
    (device.CpuCache, types_pb2.CpuCache),
    (device.DeviceProfile, types_pb2.DeviceProfile),
    (device.CpuClock, types_pb2.CpuClock),
    (device.Temperature, types_pb2.Temperature),
    (device.ThrottleCounter, types_pb2.ThrottleCounter),
    (device.Battery, types_pb2.Battery),
    (device.PowerReading, types_pb2.PowerReading),
    (device.DeviceState, types_pb2.DeviceState),
    (measuring.MeasureSettings, types_pb2.MeasureSettings),
    (measuring.ProcessMemory, types_pb2.ProcessMemory),
    (measuring.Repetition, types_pb2.Repetition),
    (sweeps.Device, query_pb2.Device),
    (cores.Cores, query_pb2.Cores),
    (sweeps.SweepSpec, query_pb2.SweepSpec),
    (sweeps.JobOutcome, query_pb2.JobOutcome),
    (sweeps.SweepSnapshot, query_pb2.WatchSweepResponse),
    (measuring.LayerTime, types_pb2.LayerTime),
    (measuring.OperatorTimes, types_pb2.OperatorTimes),
    (profiles.ProfileSpec, query_pb2.ProfileSpec),
    (profiles.ProfileProgress, query_pb2.ProfileProgress),
    (profiles.OperatorProfile, query_pb2.OperatorProfile),
    (conversions.ConversionSpec, query_pb2.ConvertRequest),
    (conversions.ConversionOutcome, query_pb2.ConversionOutcome),
    (conversions.ConversionSnapshot, query_pb2.ConvertResponse),
    (measurements.LatencyFigures, query_pb2.LatencyFigures),
    (measurements.MemoryFigures, query_pb2.MemoryFigures),
    (measurements.Measurement, query_pb2.Measurement),
    (rankings.Constraints, query_pb2.Constraints),
    (rankings.Candidate, query_pb2.Candidate),
    (rankings.Ranking, query_pb2.RankResponse),
    (measurements.MeasurementFilter, query_pb2.ListMeasurementsRequest),
    (catalog.AccuracyFigure, query_pb2.AccuracyFigure),
    (catalog.Dataset, query_pb2.Dataset),
    (fleet.Hello, fleet_pb2.Hello),
    (fleet.Heartbeat, fleet_pb2.Heartbeat),
    (fleet.Ready, fleet_pb2.Ready),
    (fleet.Progress, fleet_pb2.Progress),
    (fleet.Report, fleet_pb2.Report),
    (fleet.Welcome, fleet_pb2.Welcome),
    (fleet.Lease, fleet_pb2.Lease),
    (fleet.ReportCommitted, fleet_pb2.ReportCommitted),
    (fleet.Cancel, fleet_pb2.Cancel),
    (fleet.Measured, fleet_pb2.Measured),
    (fleet.Failure, fleet_pb2.Failure),
    (fleet.Profiled, fleet_pb2.Profiled),
]
NAMES = [domain_type.__name__ for domain_type, _message in PAIRS]
ENUMS: list[type[Enum]] = [
    catalog.AccuracyMetric,
    catalog.AccuracyPrecision,
    conversions.ConversionResult,
    cores.CoreChoice,
    fleet.FailureReason,
    fleet.Stage,
    measurements.Verdict,
    measuring.StopReason,
    own.OwnFormat,
    runtimes.GraphOptimization,
    runtimes.Runtime,
    sweeps.SweepPhase,
    tiers.Tier,
    variants.CheckedThrough,
    variants.Format,
    variants.Precision,
    variants.Target,
    variants.WeightsKind,
]

st.register_type_strategy(int, st.integers(0, 2**31 - 1))
st.register_type_strategy(float, st.floats(allow_nan=False, allow_infinity=False))
# A ranking holds measurements that hold repetitions that hold states: few of each are many.
st.register_type_strategy(
    device.DeviceState,
    st.builds(
        device.DeviceState,
        taken_at_unix_ms=...,
        clocks=st.tuples(st.from_type(device.CpuClock)),
        temperatures=st.tuples(st.from_type(device.Temperature)),
        load_average=...,
        throttle_counters=st.tuples(st.from_type(device.ThrottleCounter)),
        active_limits=st.tuples(st.text()),
        battery=...,
        power=st.tuples(st.from_type(device.PowerReading)),
        measured_cpus=st.tuples(st.integers(0, 2**31 - 1)),
        load_by_others=...,
    ),
)


@pytest.mark.parametrize(("domain_type", "message_type"), PAIRS, ids=NAMES)
def test_a_domain_object_has_the_fields_of_its_message(
    domain_type: type, message_type: type[Message]
) -> None:
    assert dataclasses.is_dataclass(domain_type)
    in_domain = {field.name for field in dataclasses.fields(domain_type)}
    assert in_domain == {field.name for field in message_type.DESCRIPTOR.fields}


def proto_enums() -> dict[str, list[str]]:
    """The members of every enum of the contract, by its name."""
    files = (types_pb2.DESCRIPTOR, fleet_pb2.DESCRIPTOR, query_pb2.DESCRIPTOR)
    return {
        name: [value.name for value in enum.values]
        for file in files
        for name, enum in file.enum_types_by_name.items()
    }


def test_every_enum_of_the_contract_has_its_twin() -> None:
    assert proto_enums().keys() == {enum.__name__ for enum in ENUMS}


@pytest.mark.parametrize("enum", ENUMS, ids=lambda enum: enum.__name__)
def test_an_enum_has_the_members_of_its_twin(enum: type[Enum]) -> None:
    prefix = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", enum.__name__).upper()
    assert {f"{prefix}_UNSPECIFIED", *(f"{prefix}_{each.name}" for each in enum)} == set(
        proto_enums()[enum.__name__]
    )


def test_accuracy_is_known_for_every_precision_and_for_int8() -> None:
    known = {each.name: each.value for each in catalog.AccuracyPrecision}
    assert known == {each.name: each.value for each in variants.Precision} | {"INT8": "int8"}


@pytest.mark.parametrize(("domain_type", "message_type"), PAIRS, ids=NAMES)
@settings(
    max_examples=15,
    deadline=None,
    # Drawing whole rankings is slow on a busy machine.
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(data=st.data())
def test_what_is_sent_arrives(
    domain_type: type, message_type: type[Message], data: st.DataObject
) -> None:
    sent = data.draw(st.from_type(domain_type))
    if isinstance(sent, fleet.Report):
        sent = with_one_outcome(sent)
    wire = to_message(sent, message_type).SerializeToString()
    assert from_message(message_type.FromString(wire), domain_type) == sent


def with_one_outcome(report: fleet.Report) -> fleet.Report:
    if report.measured:
        return dataclasses.replace(report, failure=None, profiled=None)
    return dataclasses.replace(report, failure=None) if report.profiled else report


@pytest.mark.parametrize("result", conversions.ConversionResult)
def test_every_result_of_a_conversion_arrives(result: conversions.ConversionResult) -> None:
    sent = made("ResNet50", variants.Target.ANY, result=result)
    wire = to_message(sent, query_pb2.ConversionOutcome).SerializeToString()
    arrived = from_message(
        query_pb2.ConversionOutcome.FromString(wire), conversions.ConversionOutcome
    )
    assert arrived == sent


def test_an_unspecified_enum_is_refused_in_one_sentence() -> None:
    with pytest.raises(MessageInvalid, match="RuntimeInfo message does not make sense"):
        from_message(types_pb2.RuntimeInfo(version="1"), runtimes.RuntimeInfo)


def test_so_is_one_that_this_version_does_not_know() -> None:
    unknown = query_pb2.Constraints.FromString(bytes((4 << 3, 99)))
    with pytest.raises(MessageInvalid, match=r"Constraints .* Tier 99 is not known; use the same"):
        from_message(unknown, rankings.Constraints)


def test_so_is_one_of_a_list() -> None:
    unknown = query_pb2.ConvertRequest.FromString(
        bytes((2 << 3, types_pb2.WEIGHTS_KIND_OWN, 3 << 3, 99))
    )
    with pytest.raises(MessageInvalid, match=r"ConvertRequest .* Precision 99 is not known"):
        from_message(unknown, conversions.ConversionSpec)


def test_so_is_an_attempt_that_measured_no_repetition() -> None:
    runtime = types_pb2.RuntimeInfo(runtime=types_pb2.RUNTIME_ONNXRUNTIME, version="1")
    with pytest.raises(MessageInvalid, match="Measured message does not make sense: 'repetition'"):
        from_message(fleet_pb2.Measured(runtime=runtime), fleet.Measured)


@pytest.mark.parametrize("figure", [math.nan, math.inf])
def test_a_figure_that_is_none_is_refused_in_one_sentence(figure: float) -> None:
    sent = device.Temperature(zone="cpu", celsius=figure)
    with pytest.raises(MessageInvalid, match="Temperature message cannot be sent"):
        to_message(sent, types_pb2.Temperature)
