"""Whatever a person or a program asks is answered, or refused as a mistake of theirs."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import pytest
from google.protobuf.message import Message
from hypothesis import given
from hypothesis import strategies as st

from controller.api.queries.places import OTHERS
from controller.api.statuses import STATUSES
from controller.domain.access import AccessSpec, JoinTokenSpec, Scope
from controller.domain.catalog import AccuracyFigure, AccuracyMetric, OwnFile, OwnModelHeader
from controller.domain.comparisons import CompareQuestion
from controller.domain.conversions import ConversionSpec
from controller.domain.cores import parse_cores
from controller.domain.errors import EdgerankError, Refused
from controller.domain.measurements import MeasurementFilter, Verdict
from controller.domain.profiles import ProfileSpec
from controller.domain.rankings import Constraints, Ranking, check_constraints
from controller.domain.rankings.pages import RankingPageQuestion, check_page
from controller.domain.selectors import parse_selector
from controller.domain.sweeps import SweepSpec
from controller.domain.sweeps.editing import SweepEdit
from controller.own.accuracy import check_accuracies
from controller.own.models import check_header
from controller.ranking.comparison import compare
from controller.ranking.ranking import columns_to_rank, rank
from controller.ranking.standing.listing import others_behind
from controller.state.rounds.steering import edited
from controller.sweeps.limits import check_urgency
from controller.sweeps.planning import plan_conversion, plan_sweep
from controller.sweeps.profiling.planning import plan_profile
from controller.views.reasons import sentences
from models.catalog.catalog import load_catalog
from models.catalog.own import OwnFormat
from models.catalog.precisions import Precision
from models.catalog.tiers import Tier
from models.catalog.variants import WeightsKind
from protos.codec import MessageInvalid, from_request, to_message
from protos.inputs import InputValues, square
from protos.measuring import StartGate
from protos.runtimes import OnnxRuntimeOptions, Runtime
from protos.v1 import query_pb2
from tests.contract.drawing import FUZZED, changed, messages
from tests.contract.growing import say_more
from tests.contract.versions import future
from tests.unit.controller.samples.measurements import DEVICE, device, measurement

CATALOG: Final = load_catalog()
BACKBONES: Final = ("MobileNetV1", "PPLCNet_x1_0")
DEVICES: Final = (device(),)
MEASURED: Final = tuple(
    measurement(name, runtime=runtime) for name in BACKBONES for runtime in Runtime
)


@dataclass(frozen=True)
class Question:
    """Something that can be asked.

    Attributes:
        sound: how it may be asked.
        message_type: what it travels as.
        answer: what is done about it before a database or a disk is.
    """

    sound: Any
    message_type: type[Message]
    answer: Callable[[Any], object]


def _ranked(constraints: Constraints) -> Ranking:
    check_constraints(constraints)
    return rank(DEVICE, MEASURED, constraints, CATALOG)


def _paged(question: RankingPageQuestion) -> object:
    check_page(question)
    check_constraints(question.constraints)
    here = columns_to_rank(DEVICE, MEASURED, question.constraints)
    after, most = OTHERS.read(question.after), question.most
    return others_behind(here, question.constraints, CATALOG, after, most)


def _compared(question: CompareQuestion) -> object:
    return compare(question.a, question.b, MEASURED, MEASURED, question.limits)


QUESTIONS: Final[Mapping[str, Question]] = {
    "sweep": Question(
        SweepSpec(
            backbones=BACKBONES,
            devices=(DEVICE,),
            runtimes=(Runtime.ONNXRUNTIME,),
            threads=(1, 2),
            weights=WeightsKind.SYNTHETIC,
            fewest_repetitions=2,
            most_repetitions=3,
            relative_half_width=0.02,
            time_budget_ms=1_000,
            precisions=(Precision.FP32,),
            batches=(1, 2),
            cores=parse_cores("0-1"),
            onnxruntime=OnnxRuntimeOptions(),
            gate=StartGate(max_celsius=60, max_load_by_others=1, deadline_ms=1_000),
            name="nightly",
            input_sizes=(square(96),),
            time_ms=600_000,
        ),
        query_pb2.SweepSpec,
        lambda spec: plan_sweep(spec, DEVICES, CATALOG),
    ),
    "edit": Question(
        SweepEdit(sweep_id="nightly", priority=3, deadline_unix_ms=1_795_759_200_000),
        query_pb2.EditSweepRequest,
        lambda wanted: check_urgency(edited(QUESTIONS["sweep"].sound, wanted)),
    ),
    "conversion": Question(
        ConversionSpec(backbones=BACKBONES, weights=WeightsKind.SYNTHETIC),
        query_pb2.ConvertRequest,
        lambda spec: plan_conversion(spec, CATALOG),
    ),
    "profile": Question(
        ProfileSpec(
            backbone="MobileNetV1",
            device=DEVICE,
            runtime=Runtime.ONNXRUNTIME,
            threads=1,
            weights=WeightsKind.SYNTHETIC,
            run_count=2,
            precision=Precision.FP32,
            batch=1,
            input_size=square(96),
        ),
        query_pb2.ProfileSpec,
        lambda spec: plan_profile(spec, DEVICES, CATALOG),
    ),
    "ranking": Question(
        Constraints(max_latency_ms=20, min_top1=50, tier=Tier.MOBILE, only=(Verdict.OK,)),
        query_pb2.Constraints,
        _ranked,
    ),
    "page of a ranking": Question(
        RankingPageQuestion(
            device=DEVICE,
            constraints=Constraints(max_latency_ms=20),
            most=1,
            after=OTHERS.written((5.0, "a")),
        ),
        query_pb2.PageRankingRequest,
        _paged,
    ),
    "comparison": Question(
        CompareQuestion(
            a=parse_selector("runtime:onnxruntime"), b=parse_selector("after:2020-01-01")
        ),
        query_pb2.CompareRequest,
        _compared,
    ),
    "measurements": Question(
        MeasurementFilter(device=DEVICE, at_minute=1),
        query_pb2.ListMeasurementsRequest,
        lambda wanted: wanted,
    ),
    "accuracy": Question(
        AccuracyFigure(
            row=2,
            backbone="MobileNetV1",
            dataset="flowers",
            metric=AccuracyMetric.TOP1,
            value_percent=70,
            precision=Precision.FP32,
            source="us",
            input_size=square(96),
        ),
        query_pb2.AccuracyFigure,
        lambda figure: check_accuracies([figure], CATALOG, (), {}),
    ),
    "own model": Question(
        OwnModelHeader(
            name="mine",
            format=OwnFormat.ONNX,
            files=(OwnFile(size_bytes=9, sha256="a" * 64),),
            input_size=square(96),
            inputs=(InputValues(name="scale", values=(1.0,)),),
        ),
        query_pb2.OwnModelHeader,
        lambda header: check_header(header, CATALOG),
    ),
    "join token": Question(
        JoinTokenSpec(lifetime_ms=1_000, labels={"room": "lab"}, addresses=("lab:7700",)),
        query_pb2.CreateJoinTokenRequest,
        lambda spec: spec.check(),
    ),
    "access": Question(
        AccessSpec(name="ci", scopes=(Scope.READ,)),
        query_pb2.CreateAccessRequest,
        lambda spec: spec.check(),
    ),
}


def ask(question: Question, message: Message) -> None:
    """All that is done about a question before a database or a disk is asked."""
    try:
        question.answer(from_request(message, type(question.sound)))
    except MessageInvalid as error:
        refusal: Exception = error
    except Refused as error:
        refusal, said = error, sentences(error.reasons)
        assert said
    except EdgerankError as error:
        refusal = error
    else:
        return
    assert getattr(refusal, "code", None) in (None, *STATUSES)


@pytest.mark.parametrize("name", QUESTIONS)
def test_what_makes_sense_is_answered(name: str) -> None:
    question = QUESTIONS[name]
    sent = to_message(question.sound, question.message_type)
    assert from_request(sent, type(question.sound)) == question.sound
    question.answer(question.sound)


@pytest.mark.parametrize("name", QUESTIONS)
@FUZZED
@given(data=st.data())
def test_any_question_is_answered_or_refused(name: str, data: st.DataObject) -> None:
    question = QUESTIONS[name]
    ask(question, data.draw(messages(question.message_type)))


@pytest.mark.parametrize("name", QUESTIONS)
@FUZZED
@given(data=st.data())
def test_so_is_one_that_made_sense_until_some_of_it_became_anything(
    name: str, data: st.DataObject
) -> None:
    question = QUESTIONS[name]
    ask(question, data.draw(changed(to_message(question.sound, question.message_type))))


@pytest.mark.parametrize("name", QUESTIONS)
def test_what_a_newer_client_asks_besides_is_refused_by_name(name: str) -> None:
    question = QUESTIONS[name]
    sound = to_message(question.sound, question.message_type)
    newer = getattr(future(), question.message_type.DESCRIPTOR.name)
    asked = say_more(newer.FromString(sound.SerializeToString()))
    with pytest.raises(MessageInvalid, match=r"field 1001 of a \w+ message is not known"):
        from_request(
            question.message_type.FromString(asked.SerializeToString()), type(question.sound)
        )
