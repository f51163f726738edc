"""What crosses the wire arrives as it was sent."""

import dataclasses
import math
from enum import Enum
from types import ModuleType
from typing import TypeVar

import pytest
from google.protobuf.descriptor import EnumDescriptor
from google.protobuf.message import Message
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from controller.domain import (
    access,
    catalog,
    comparisons,
    conversions,
    cores,
    devices,
    jobs,
    measurements,
    profiles,
    rankings,
    selectors,
    sweeps,
)
from controller.domain.rankings import explanations, limits, reference, survey
from controller.domain.rankings import fleet as fleet_rankings
from controller.domain.sweeps.editing import SweepEdit
from models.catalog import own, tiers, variants
from protos import device, fleet, inputs, measuring, reasons, runtimes
from protos.codec import (
    ASKED,
    MessageInvalid,
    from_answer,
    from_message,
    from_request,
    refuse_unknown,
    to_message,
)
from protos.fleet import failed
from protos.reasons import Reason, ReasonCode, reason
from protos.v1 import fleet_pb2, query_pb2, types_pb2
from tests.unit.controller.samples.conversions import made
from tests.unit.controller.samples.measurements import measurement
from tests.unit.protos import drawing
from tests.unit.protos.pairs import PAIRS

NAMES = [domain_type.__name__ for domain_type, _message in PAIRS]
MODULES: tuple[ModuleType, ...] = (
    access,
    device,
    fleet,
    inputs,
    measuring,
    reasons,
    runtimes,
    own,
    tiers,
    variants,
    comparisons,
    cores,
    catalog,
    conversions,
    devices,
    jobs,
    measurements,
    profiles,
    rankings,
    explanations,
    reference,
    survey,
    sweeps,
)
# Number 9999, and no bytes in it.
UNKNOWN_FIELD = b"\xfa\xf0\x04\x00"
CONTRACTS = (types_pb2.DESCRIPTOR, fleet_pb2.DESCRIPTOR, query_pb2.DESCRIPTOR)
DOMAIN = {name: each for module in MODULES for name, each in vars(module).items()}
ENUMS: list[EnumDescriptor] = [
    each for contract in CONTRACTS for each in contract.enum_types_by_name.values()
]

DomainT = TypeVar("DomainT")

st.register_type_strategy(int, st.integers(0, 2**31 - 1))
st.register_type_strategy(float, st.floats(allow_nan=False, allow_infinity=False))


def test_every_message_that_a_domain_object_is_named_after_is_tested_here() -> None:
    messages = {name for contract in CONTRACTS for name in contract.message_types_by_name}
    named = {name for name in messages & DOMAIN.keys() if dataclasses.is_dataclass(DOMAIN[name])}
    assert {"Reason", "Failure", "Activity"} < named <= set(NAMES)


@pytest.mark.parametrize("descriptor", ENUMS, ids=lambda each: each.name)
def test_an_enum_has_the_members_of_the_contract(descriptor: EnumDescriptor) -> None:
    enum_type = DOMAIN[descriptor.name]
    assert issubclass(enum_type, Enum)
    first, *others = descriptor.values
    assert (first.number, first.name.rpartition("_")[2]) == (0, "UNSPECIFIED")
    prefix = first.name.removesuffix("UNSPECIFIED")
    assert {each.name.removeprefix(prefix) for each in others} == {each.name for each in enum_type}


@pytest.mark.parametrize("code", ReasonCode)
def test_every_code_of_a_reason_arrives(code: ReasonCode) -> None:
    told = reason(code, {"detail": "it died"}, repetition=1)
    assert arrived(told, types_pb2.Reason) == told
    failure = failed(code, "its last words")
    assert arrived(failure, fleet_pb2.Failure) == failure
    waiting = fleet.Progress(attempt_id="a", stage=fleet.Stage.WAITING, waiting_for=told)
    assert arrived(waiting, fleet_pb2.Progress) == waiting


def test_no_reason_to_wait_is_none() -> None:
    started = fleet.Progress(attempt_id="a", stage=fleet.Stage.MEASURING)
    assert not to_message(started, fleet_pb2.Progress).HasField("waiting_for")
    assert arrived(started, fleet_pb2.Progress).waiting_for is None


def test_the_reasons_of_a_failure_arrive_in_their_order() -> None:
    told = tuple(reason(code, deadline_ms=at) for at, code in enumerate(ReasonCode))
    failure = fleet.Failure(reasons=told[::-1])
    assert arrived(failure, fleet_pb2.Failure).reasons == told[::-1]
    assert failure.code is tuple(ReasonCode)[-1]


@pytest.mark.parametrize(("domain_type", "message_type"), PAIRS, ids=NAMES)
def test_a_domain_object_has_the_fields_of_its_message(
    domain_type: type, message_type: type[Message]
) -> None:
    assert dataclasses.is_dataclass(domain_type)
    in_domain = {field.name for field in dataclasses.fields(domain_type)}
    assert in_domain == {field.name for field in message_type.DESCRIPTOR.fields}


# Limits refuse most of what could be drawn; what has them or two measurements is sent once below.
SENT_ONCE = (
    comparisons.Limits,
    comparisons.CompareQuestion,
    comparisons.ComparedPair,
    comparisons.Unpaired,
    comparisons.Comparison,
)


@pytest.mark.parametrize(
    ("domain_type", "message_type"),
    [pair for pair in PAIRS if pair[0] not in SENT_ONCE],
    ids=lambda each: each.__name__,
)
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
    # Two tell the order of each list; those in its parts are sent by themselves, too.
    sent = data.draw(drawing.short_of(domain_type, most=2))
    if isinstance(sent, fleet.Report):
        sent = with_one_outcome(sent)
    assert arrived(sent, message_type) == sent


def arrived(sent: DomainT, message_type: type[Message]) -> DomainT:
    wire = to_message(sent, message_type).SerializeToString()
    return from_message(message_type.FromString(wire), type(sent))


def with_one_outcome(report: fleet.Report) -> fleet.Report:
    if report.measured:
        return dataclasses.replace(report, failure=None, profiled=None)
    return dataclasses.replace(report, failure=None) if report.profiled else report


@pytest.mark.parametrize("result", conversions.ConversionResult)
def test_every_result_of_a_conversion_arrives(result: conversions.ConversionResult) -> None:
    sent = made("ResNet50", variants.Target.ANY, result=result)
    assert arrived(sent, query_pb2.ConversionOutcome) == sent


UNREADABLE: list[tuple[Message, type, str]] = [
    (types_pb2.RuntimeInfo(version="1"), runtimes.RuntimeInfo, "'UNSPECIFIED'"),
    (types_pb2.Reason(), Reason, "'UNSPECIFIED'"),
    # What a newer version knows.
    (types_pb2.Reason(code=9_999), Reason, "9999"),  # type: ignore[arg-type]
    (
        fleet_pb2.Failure(reasons=[types_pb2.Reason(code=9_999)]),  # type: ignore[arg-type]
        fleet.Failure,
        "9999",
    ),
]


@pytest.mark.parametrize(("message", "domain_type", "told"), UNREADABLE, ids=str)
def test_an_enum_that_is_unspecified_or_unknown_is_refused_in_one_sentence(
    message: Message, domain_type: type, told: str
) -> None:
    with pytest.raises(MessageInvalid, match=rf"{domain_type.__name__} message .*{told}") as caught:
        from_message(message, domain_type)
    assert "\n" not in str(caught.value)


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
    with pytest.raises(MessageInvalid, match=r"Measured message .*'repetition'"):
        from_message(fleet_pb2.Measured(runtime=runtime), fleet.Measured)


@pytest.mark.parametrize("figure", [math.nan, math.inf])
def test_a_figure_that_is_none_is_refused_in_one_sentence(figure: float) -> None:
    hot = device.Temperature(zone="cpu", celsius=figure)
    told = reason(ReasonCode.PROCESSOR_WARM, celsius=figure, limit_celsius=60)
    for sent, message_type in ((hot, types_pb2.Temperature), (told, types_pb2.Reason)):
        with pytest.raises(MessageInvalid, match=message_type.DESCRIPTOR.name) as caught:
            to_message(sent, message_type)
        assert "\n" not in str(caught.value)


def test_what_does_not_fit_is_named_with_its_field() -> None:
    uses = access.JoinTokenSpec(lifetime_ms=1, uses=99_999_999_999, labels={})
    p90 = limits.Limit(criterion=limits.Criterion.P90, bound=limits.Bound.AT_MOST, value=10**400)
    asked = fleet_rankings.FleetQuestion(constraints=rankings.Constraints(limits=(p90,)))
    for sent, message_type, told in (
        (uses, query_pb2.CreateJoinTokenRequest, r"uses cannot be 99999999999 \("),
        (asked, query_pb2.RankFleetRequest, r"constraints\.limits\.value cannot be 10+\.\.\.0+ \("),
    ):
        with pytest.raises(MessageInvalid, match=told) as caught:
            to_message(sent, message_type)
        assert len(str(caught.value)) < 300


def test_a_comparison_and_its_question_arrive() -> None:
    limits = comparisons.Limits(equivalence_margin=0.05, regression_threshold=0.1)
    question = comparisons.CompareQuestion(
        a=selectors.parse_selector("runtime:onnxruntime"),
        b=selectors.parse_selector("after:2026-11-24"),
        device="phone",
        limits=limits,
    )
    assert arrived(question, query_pb2.CompareRequest) == question
    one = measurement("PPLCNet_x1_0")
    comparison = comparisons.Comparison(
        a=question.a.text,
        b=question.b.text,
        limits=limits,
        pairs=(
            comparisons.ComparedPair(
                a=one,
                b=one,
                change=comparisons.Change.CANNOT_TELL,
                ratio=1.0,
                ratio_low=None,
                ratio_high=None,
                reason=reason(ReasonCode.ONE_REPETITION_IN_A, fewest=2),
            ),
        ),
        left_out=(
            comparisons.Unpaired(
                side=comparisons.Side.B,
                measurement=one,
                reasons=(reason(ReasonCode.WITHOUT_PARTNER),),
            ),
        ),
    )
    assert arrived(comparison, query_pb2.CompareResponse) == comparison


def test_nobody_asks_for_more_than_may_be_asked_for_at_once() -> None:
    many = query_pb2.SweepSpec(backbones=["a"] * (ASKED.items + 1))
    deep = query_pb2.SweepSpec(backbones=["a" * (ASKED.characters + 1)])
    enums = query_pb2.Constraints(only=[types_pb2.VERDICT_OK] * (ASKED.items + 1))
    numbers = query_pb2.SweepSpec(threads=[1] * (ASKED.numbers + 1))
    for message, domain_type, told in (
        (many, sweeps.SweepSpec, "backbones has 20001 entries, at most 20000"),
        (deep, sweeps.SweepSpec, "backbones has 20001 characters, at most 20000"),
        (enums, rankings.Constraints, "only has 20001 entries, at most 20000"),
        (numbers, sweeps.SweepSpec, "threads has 1000001 entries, at most 1000000"),
    ):
        with pytest.raises(MessageInvalid, match=told):
            from_request(message, domain_type)


@pytest.mark.parametrize("depth", [0, 1, 2])
def test_what_nobody_here_knows_is_refused_however_deep_it_is(depth: int) -> None:
    message = query_pb2.Measurement(
        repetitions=[types_pb2.Repetition(before=types_pb2.DeviceState())]
    )
    (repetition,) = message.repetitions
    refuse_unknown(message)
    (message, repetition, repetition.before)[depth].MergeFromString(UNKNOWN_FIELD)
    with pytest.raises(MessageInvalid, match="field 9999"):
        refuse_unknown(message)


def test_what_may_be_asked_for_arrives_as_it_was_asked() -> None:
    asked = query_pb2.EditSweepRequest(sweep_id="a\x1b\n" + "b" * (ASKED.characters - 3))
    assert from_request(asked, SweepEdit).sweep_id == asked.sweep_id


def test_what_people_are_told_moves_no_cursor() -> None:
    odd = reason(ReasonCode.NO_ARTIFACT, {"detail": "no kernel for \x1b[2J\u202e\nexe"})
    told = to_message(odd, types_pb2.Reason)
    assert from_message(told, Reason) == odd
    assert from_answer(told, Reason).words == {"detail": "no kernel for  [2J  exe"}
