"""What programs may ask of a ranking over HTTP: every constraint that there is."""

from dataclasses import fields

import pytest
from pydantic import ValidationError

from controller.api.web.reading.asked import AskedBest, AskedFront, AskedRanking, AskedRest
from controller.domain.rankings import Constraints, check_constraints
from controller.domain.rankings.limits import Criterion

_ALL = {
    "max_latency_ms": 20,
    "max_p90_ms": 25,
    "max_p99_ms": 30,
    "max_memory_bytes": 10**8,
    "max_artifact_bytes": 10**7,
    "max_params_m": 5.5,
    "min_top1": 70,
    "tier": "mobile",
    "series": ["MobileNetV3", "GhostNet"],
    "distilled": False,
    "extra_data": False,
    "runtime": "onnxruntime",
    "precision": "fp32",
    "threads": 4,
    "only": ["ok"],
    "at_minute": 3,
    "by": "latency",
    "include_emulated": True,
    "paced_fps": 30,
    "confidence": 0.95,
    "front": ["p99", "top1"],
}


@pytest.mark.parametrize("kind", [AskedBest, AskedRest])
def test_every_constraint_can_be_asked_for(kind: type[AskedRanking]) -> None:
    asked = kind.model_validate({"device": "phone", **_ALL}).constraints()
    untouched = Constraints()
    for each in fields(Constraints):
        assert getattr(asked, each.name) != getattr(untouched, each.name), each.name
    assert {limit.criterion: limit.value for limit in asked.limits} == {
        Criterion.P90: 25,
        Criterion.P99: 30,
        Criterion.ARTIFACT_SIZE: 10**7,
        Criterion.PARAMS: 5.5,
    }


def test_without_any_there_is_none() -> None:
    asked = AskedBest(device="phone").constraints()
    assert asked == AskedFront(device="phone").constraints() == Constraints()
    check_constraints(asked)


@pytest.mark.parametrize(
    "wrong", [{"confidence": 1}, {"front": ["cost"]}, {"max_p99_ms": 0}, {"series": [""]}]
)
def test_what_no_figure_can_be_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        AskedBest.model_validate({"device": "phone", **wrong})
