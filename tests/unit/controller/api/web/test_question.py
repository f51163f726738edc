"""The question of the first page and its address say the same."""

from urllib.parse import parse_qsl

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.api.web.pages.asking.limits import FURTHER, STEPS, USUAL, Slider
from controller.api.web.pages.asking.question import Question, read_question, write_question
from controller.domain.errors import EdgerankError, ErrorCode
from controller.domain.rankings import Constraints, Merit
from controller.domain.rankings.limits import Criterion, at_most
from models.catalog.precisions import Precision
from models.catalog.tiers import Tier
from protos.runtimes import Runtime

_AMOUNTS = st.integers(1, 10**11).map(lambda number: number / 10_000)
_BYTES = st.integers(1, 10**13)
_NAMES = st.text(st.characters(exclude_characters=",", categories=("L", "N", "P")), min_size=1)


@st.composite
def _questions(draw: st.DrawFn) -> Question:
    return Question(
        device=draw(_NAMES),
        constraints=Constraints(
            max_latency_ms=draw(st.none() | _AMOUNTS),
            max_memory_bytes=draw(st.none() | _BYTES),
            min_top1=draw(st.none() | st.integers(1, 100)),
            limits=at_most(
                {
                    Criterion.P90: draw(st.none() | _AMOUNTS),
                    Criterion.P99: draw(st.none() | _AMOUNTS),
                    Criterion.ARTIFACT_SIZE: draw(st.none() | _BYTES),
                    Criterion.PARAMS: draw(st.none() | _AMOUNTS),
                }
            ),
            tier=draw(st.none() | st.sampled_from(Tier)),
            series=tuple(draw(st.lists(_NAMES, max_size=3, unique=True))),
            distilled=draw(st.none() | st.booleans()),
            extra_data=draw(st.none() | st.booleans()),
            runtime=draw(st.none() | st.sampled_from(Runtime)),
            precision=draw(st.none() | st.sampled_from(Precision)),
            threads=draw(st.none() | st.integers(1, 64)),
            by=draw(st.none() | st.sampled_from(Merit)),
            confidence=draw(st.none() | st.sampled_from((0.5, 0.9, 0.95, 0.99))),
        ),
        shows_all=draw(st.booleans()),
    )


@given(_questions())
def test_what_is_written_into_an_address_is_read_from_it(question: Question) -> None:
    assert read_question(dict(parse_qsl(write_question(question)))) == question


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("max_p99_ms", "-3"),
        ("max_p90_ms", "nan"),
        ("max_artifact_mb", "0"),
        ("max_params_m", "many"),
        ("distilled", "maybe"),
        ("extra_data", "1"),
        ("precision", "fp8"),
        ("threads", "1.5"),
        ("confidence", "sure"),
        ("series", "x" * 201),
        ("series", ",".join(map(str, range(101)))),
        ("max_latency", "5"),
        ("devices", "pi5"),
    ],
)
def test_what_cannot_be_asked_is_refused(name: str, text: str) -> None:
    with pytest.raises(EdgerankError) as refused:
        read_question({name: text})
    assert refused.value.code is ErrorCode.INVALID_INPUT


def test_a_name_that_is_misspelt_gets_the_nearest_one() -> None:
    with pytest.raises(EdgerankError, match=r"'max_latency' .* write max_latency_ms"):
        read_question({"device": "pi5", "max_latency": "5"})
    assert read_question({"devices": "pi5"}, besides=("devices",)) == Question()
    with pytest.raises(EdgerankError, match=r"'device' .* write devices"):
        read_question({"device": "pi5"}, ("devices",), without=("device", "all"))


@pytest.mark.parametrize("slider", [*USUAL, *FURTHER], ids=lambda slider: slider.name)
def test_a_slider_stands_where_its_number_is(slider: Slider) -> None:
    none = STEPS if slider.none_at == "high" else 0
    assert slider.position("") == slider.position("nan") == slider.position("x") == none
    assert slider.position(str(slider.low)) == slider.position("0.0001") == 0
    assert slider.position(str(slider.high)) == slider.position("1e9") == STEPS
