"""The JSON interface: real documents, their schemas, and the page that describes them."""

import dataclasses
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from controller.domain.access import AuditEntry, CallerKind
from controller.domain.comparisons import Comparison, Limits, Side, Unpaired
from controller.domain.conversions import ConversionOutcome, ConversionResult
from controller.domain.devices import DeviceEvent, DeviceEventKind
from controller.domain.jobs import JobOutcome
from controller.domain.measurements import Verdict
from controller.domain.rankings import Constraints
from controller.domain.rankings.finding import found_by
from controller.domain.sweeps import Activity, ActivityKind, SweepPhase, SweepSnapshot
from controller.ranking.comparison import compare_pair
from controller.ranking.ranking import rank
from controller.views.documents import to_document
from controller.views.operator_times import summarise
from models.catalog.catalog import load_catalog
from models.catalog.precisions import Precision
from models.catalog.tiers import Tier, apply_rule
from models.catalog.variants import CheckedThrough, Format, Target, WeightsKind
from protos.checks import CheckedSide, broken
from protos.inputs import (
    square,
)
from protos.reasons import ReasonCode, reason
from protos.runtimes import Runtime
from tests.unit.controller.samples.answers import answers
from tests.unit.controller.samples.brought import DATASETS, OWN_MODELS
from tests.unit.controller.samples.conversions import unkept
from tests.unit.controller.samples.fleets import FLEET_RANKING
from tests.unit.controller.samples.measurements import (
    DEVICE,
    ENERGY,
    MS,
    PARTLY,
    catalog,
    device,
    failed,
    figures,
    measurement,
    paced,
    repetition,
    sustained,
)
from tests.unit.controller.samples.profiles import PROFILE
from tests.unit.controller.samples.reasons import CRASHED
from tests.unit.controller.samples.reports import REPORTS
from tests.unit.controller.samples.sweeps import PLAN, SWEEPS

DOCS = Path(__file__).parents[4] / "docs"

FULL_MEASUREMENT = measurement(
    "Good",
    top5=92.5,
    params_m=5.5,
    flops_g=0.22,
    affinity=(0, 1),
    minutes=sustained("Good", {1: 4, 2: 5}).minutes,
    paced=paced("Good", 4, 5).paced,
    energy=ENERGY,
    delegation=PARTLY,
    settings=sustained("Good", {2: 5}).settings,
    repetitions=(
        repetition((4 * MS, 5 * MS), samples_per_minute=(1, 1)),
        repetition((4 * MS,), before=None, pss_bytes=None),
    ),
)
RANKING = rank(
    DEVICE,
    [
        measurement("Good", top1=76),
        measurement("Same", 10.1, top1=76),
        measurement("Small", 4, top1=70),
        measurement("Poor", 12, top1=71, memory=None),
        failed("Broken"),
    ],
    Constraints(max_latency_ms=20, max_memory_bytes=10**8, runtime=Runtime.ONNXRUNTIME, threads=1),
    catalog(Good=76, Same=76, Small=70, Poor=71, Broken=75),
)
ONLY_DOUBTFUL = rank(
    DEVICE,
    [measurement("Good", verdict=Verdict.DISTURBED), measurement("Bad", verdict=Verdict.THROTTLED)],
    Constraints(only=(Verdict.WIDE,)),
    catalog(Good=76, Bad=70),
)
KNOWN = catalog(Good=76, Poor=75)
NOTHING_MEASURED = rank(DEVICE, [], Constraints(tier=Tier.MOBILE, min_top1=75), load_catalog())
AT_MINUTE = rank(
    DEVICE, [sustained("Good", {1: 4, 2: 5})], Constraints(at_minute=2), catalog(Good=76)
)
CONVERSIONS = (
    ConversionOutcome(
        backbone="Good",
        format=Format.ONNX,
        precision=Precision.FP32,
        target=Target.ANY,
        input_size=square(224),
        batch=1,
        result=ConversionResult.STORED,
        weights=WeightsKind.SYNTHETIC,
        weights_digest="5f" * 32,
        artifact_sha256="a7" * 32,
        artifact_size_bytes=12_000_000,
        max_relative_difference=2e-6,
        parity_tolerance=1e-3,
        checked_through=CheckedThrough.OWN_FORMAT,
        parity_input_count=4,
        top1_agreement=0.75,
        passes=("square_by_product", "onnxslim"),
        seconds=3.5,
    ),
    ConversionOutcome(
        backbone="Bad",
        format=Format.PADDLELITE,
        precision=Precision.FP32,
        target=Target.ARM,
        input_size=square(224),
        batch=4,
        result=ConversionResult.REFUSED,
        weights=WeightsKind.PRETRAINED,
        weights_digest="5f" * 32,
        reason="its x86 twin returns zeros",
    ),
    ConversionOutcome(
        backbone="Ugly",
        format=Format.ONNX,
        precision=Precision.INT8_STATIC,
        target=Target.ANY,
        input_size=square(192),
        batch=1,
        result=ConversionResult.FAILED,
        weights=WeightsKind.PRETRAINED,
        weights_digest="5f" * 32,
        reason="export: the child died by SIGKILL, saying nothing",
    ),
    *unkept("Good"),
)
SWEEP = SweepSnapshot(
    sweep_id="sweep-1",
    phase=SweepPhase.ENDED,
    artifacts_total=2,
    artifacts_done=2,
    jobs_total=2,
    jobs_queued=0,
    jobs_running=0,
    ended=tuple(
        JobOutcome(
            job_id=f"job-{verdict.value}",
            device=DEVICE,
            backbone="Good",
            runtime=Runtime.PADDLELITE,
            threads=2,
            weights=WeightsKind.SYNTHETIC,
            precision=Precision.FP32,
            input_size=square(224),
            batch=1,
            verdict=verdict,
            reasons=reasons,
            median_ms=median_ms,
            low_ms=median_ms,
            high_ms=median_ms,
        )
        for verdict, reasons, median_ms in (
            (Verdict.OK, (), 4.5),
            (Verdict.FAILED, (CRASHED,), None),
        )
    ),
    activities=(
        Activity(
            kind=ActivityKind.WAITING,
            backbone="Good",
            device=DEVICE,
            runtime=Runtime.PADDLELITE,
            waiting_for=reason(ReasonCode.CORES_TAKEN, load_by_others=1.27, most=0.5),
        ),
    ),
)
FIVE_PERCENT = Limits(regression_threshold=0.05)
ONCE = replace(figures(12, 0.1), repetition_count=1)
COMPARISON = Comparison(
    a="before:2026-11-24",
    b="after:2026-11-24",
    limits=FIVE_PERCENT,
    pairs=(
        compare_pair(
            measurement("Good"), measurement("Good", 12, measurement_id="m2"), FIVE_PERCENT
        ),
        compare_pair(
            measurement("Good"),
            measurement("Good", latency=ONCE, measurement_id="m3"),
            FIVE_PERCENT,
        ),
    ),
    left_out=(
        Unpaired(side=Side.B, measurement=failed("Broken"), reasons=(CRASHED,)),
        Unpaired(
            side=Side.A,
            measurement=measurement("Alone"),
            reasons=(reason(ReasonCode.WITHOUT_PARTNER),),
        ),
    ),
)
CASES = [
    (
        "operating/audit",
        (
            AuditEntry(
                at_unix_ms=1,
                caller=CallerKind.TOKEN,
                caller_name="ci",
                action="StartSweep",
                subject="s1",
            ),
        ),
    ),
    (
        "device_history",
        (
            DeviceEvent(at_unix_ms=1, kind=DeviceEventKind.RENAMED, name="pc", former_name="p"),
            DeviceEvent(at_unix_ms=2, kind=DeviceEventKind.QUARANTINED, reasons=(CRASHED,)),
        ),
    ),
    ("datasets", DATASETS),
    ("operating/doctor", (broken(CheckedSide.AGENT, "spool", "it broke", "move it away"),)),
    ("own_models", OWN_MODELS),
    *(("devices", some) for some in ([device(), device(connected=False, labels={})], [])),
    ("models", list(load_catalog())),
    ("tier", apply_rule(load_catalog(), Tier.DESKTOP)),
    ("ranking", RANKING),
    ("rankings/fleet_ranking", FLEET_RANKING),
    ("rankings/found", found_by(SWEEP, RANKING)),
    *answers(RANKING, FULL_MEASUREMENT, CRASHED),
    *REPORTS,
    *(("ranking", each) for each in (NOTHING_MEASURED, ONLY_DOUBTFUL, AT_MINUTE)),
    ("measurement", FULL_MEASUREMENT),
    ("measurement", failed("Broken")),
    ("conversion", CONVERSIONS),
    ("sweep", SWEEP),
    ("sweeps", SWEEPS),
    ("plan", PLAN),
    ("comparison", COMPARISON),
    ("profile", summarise(PROFILE, "MobileNetV1-pc-onnxruntime.trace.json.gz")),
    ("comparison", Comparison(a="s1", b="s2", limits=Limits(), pairs=(), left_out=())),
]


def _schema(name: str) -> dict[str, Any]:
    schema: dict[str, Any] = json.loads((DOCS / "schemas" / f"{name}.json").read_text("utf-8"))
    return schema


@pytest.mark.parametrize(("name", "domain_object"), CASES)
def test_a_document_is_what_its_schema_says_and_nothing_more(
    name: str, domain_object: object
) -> None:
    schema = _schema(name)
    Draft202012Validator.check_schema(schema)
    through_text = json.loads(json.dumps(to_document(domain_object), allow_nan=False))
    Draft202012Validator(schema).validate(through_text)


@pytest.mark.parametrize("path", sorted((DOCS / "schemas").rglob("*.json")), ids=lambda p: p.stem)
def test_every_schema_is_tried_and_shown_and_requires_all_its_fields_and_no_other(
    path: Path,
) -> None:
    name = path.relative_to(DOCS / "schemas").with_suffix("").as_posix()
    assert name in {name for name, _ in CASES}
    assert f"(schemas/{name}.json)" in (DOCS / "json.md").read_text("utf-8")
    for definition in _schema(name)["$defs"].values():
        if definition["type"] == "object":
            assert definition["required"] == list(definition["properties"])
            assert definition["additionalProperties"] is False


def test_a_file_that_was_not_kept_is_told_from_one_that_failed() -> None:
    document = json.loads(json.dumps(to_document(CONVERSIONS)))
    assert [outcome["result"] for outcome in document] == [
        "stored",
        "refused",
        "failed",
        *["checked"] * 3,
    ]


def test_enums_are_their_values_tuples_lists_and_absence_is_null() -> None:
    document = to_document(FULL_MEASUREMENT)
    assert isinstance(document, dict)
    assert (document["runtime"], document["weights"]) == ("onnxruntime", "pretrained")
    assert document["affinity"] == [0, 1]
    assert to_document(Constraints()) == {
        field.name: None for field in dataclasses.fields(Constraints)
    } | {"only": [], "series": [], "limits": [], "front": [], "include_emulated": False}


def test_a_reason_is_its_code_its_figures_and_its_sentence() -> None:
    document = to_document(
        rank(DEVICE, [measurement("Good", top1=76), measurement("Poor", 12)], Constraints(), KNOWN)
    )
    assert isinstance(document, dict)
    (told,) = json.loads(json.dumps(document["others"]))[0]["lost_because"]
    assert told["code"] == "dominated"
    assert told["figures"]["other_top1_percent"] == 76
    assert told["words"] == {"other": "Good-onnxruntime-1"}
    # People read names where programs read ids.
    assert told["sentence"].startswith("Good (onnxruntime, ")
