"""The sentences of all reasons, kept in `pages/reasons.txt` below the reasons themselves.

When words were meant to change, write the page anew and look at what differs:

    python -c "from tests.unit.controller.views import test_reasons as each; print(each.page())" \
        > tests/unit/controller/views/pages/reasons.txt
"""

import pytest

from controller.views.reasons import sentence, sentences
from controller.views.reasons.failing import REMEDIES
from protos.reasons import Reason, ReasonCode, reason
from tests.unit.controller.samples.example_reasons import EXAMPLES
from tests.unit.controller.samples.pages import kept
from tests.unit.controller.samples.reasons import CRASHED, OLDER_COUNTS

NOT_READY = reason(ReasonCode.NOT_READY, deadline_ms=60_000)
OBSTACLES = [example for example in EXAMPLES if example.code in REMEDIES]
UNPROFILED = reason(ReasonCode.PROFILE_FAILED, {"backbone": "MobileNetV1", "device": "pc"})
TOGETHER = [
    (CRASHED, OLDER_COUNTS),
    (UNPROFILED, CRASHED),
    (reason(ReasonCode.WRONG_OUTPUT, inputs=4), reason(ReasonCode.OUTPUT_CONSTANT)),
    *((NOT_READY, obstacle) for obstacle in OBSTACLES),
    (reason(ReasonCode.STARTED_UNREADY, count=3, repetitions=3), OBSTACLES[-1]),
]


def page() -> str:
    """Each example with its sentence, then reasons that stand together."""
    told = [f"{example}\n    {sentence(example)}" for example in EXAMPLES]
    told += [f"{one}, {other}\n    {sentences((one, other))}" for one, other in TOGETHER]
    return "\n".join(told)


def test_every_code_has_an_example() -> None:
    assert {example.code for example in EXAMPLES} == set(ReasonCode)


def test_every_reason_has_its_sentence() -> None:
    assert page() + "\n" == kept(__file__, "reasons")


@pytest.mark.parametrize("obstacle", OBSTACLES, ids=lambda each: each.code.value)
def test_what_kept_a_job_from_starting_brings_its_remedy_and_only_then(obstacle: Reason) -> None:
    remedy = REMEDIES[obstacle.code]
    assert sentences((NOT_READY, obstacle)).endswith(f"; {remedy}")
    assert remedy not in sentences((obstacle,))


def test_several_reasons_are_one_sentence_and_none_is_empty() -> None:
    assert sentences((CRASHED, OLDER_COUNTS)).count("; ") == 1
    assert sentences(()) == ""


def test_another_measurement_is_named_where_its_name_is_known() -> None:
    beaten = next(each for each in EXAMPLES if each.code is ReasonCode.DOMINATED)
    assert sentence(beaten).startswith("m1 ")
    assert sentence(beaten, {"m1": "Good"}).startswith("Good ")
