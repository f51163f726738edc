"""When a device takes no more jobs: whatever happened before."""

from dataclasses import replace
from functools import reduce

from hypothesis import given
from hypothesis import strategies as st

from controller.domain.devices import ACTIVE, DeviceCondition, DeviceStanding
from controller.fleet.standing.rules import (
    MOST_FAILING,
    MOST_UNREPORTED,
    after_failure,
    after_loss,
    after_silence,
    after_success,
    after_word,
    is_of_the_job,
)
from protos.inputs import NetworkInput, square
from protos.measuring import MeasureSettings
from protos.reasons import ReasonCode, reason
from protos.runtimes import OnnxRuntimeOptions, Runtime

BACKBONES = [f"backbone-{number}" for number in range(MOST_FAILING + 2)]
CRASHED = reason(ReasonCode.CRASHED, {"detail": "it died"})
STEPS = ("done", "crashed", "out of memory", "lost", "silent")
steps = st.lists(st.tuples(st.sampled_from(STEPS), st.sampled_from(BACKBONES)), max_size=40)
Step = tuple[str, str]


def after(before: DeviceStanding, step: Step) -> DeviceStanding:
    what, backbone = step
    match what:
        case "done":
            return after_success(before)
        case "crashed":
            return after_failure(before, backbone, (CRASHED,), 7)
        case "out of memory":
            return after_word(before)
        case "lost":
            return after_loss(before, backbone, 7)
        case _:
            return after_silence(before, backbone, 7)


def streak(history: list[Step]) -> list[Step]:
    """What happened since the last success, without what tells of the job alone."""
    done = [at for at, (what, _) in enumerate(history) if what == "done"]
    return [step for step in history[(done or [-1])[-1] + 1 :] if step[0] != "out of memory"]


def silence(history: list[Step]) -> int:
    """How many attempts were not reported since the last report; lost ones are none."""
    heard = [at for at, (what, _) in enumerate(history) if what not in ("silent", "lost")]
    return sum(what == "silent" for what, _ in history[(heard or [-1])[-1] + 1 :])


@given(steps)
def test_a_device_is_quarantined_as_soon_as_enough_failed_in_a_row_and_not_before(
    history: list[Step],
) -> None:
    standing = ACTIVE
    for at, step in enumerate(history):
        so_far = history[: at + 1]
        standing = after(standing, step)
        failing = {backbone for _, backbone in streak(so_far)}
        is_due = len(failing) >= MOST_FAILING or silence(so_far) >= MOST_UNREPORTED
        assert standing.takes_jobs is not is_due
        if is_due:
            assert standing.condition is DeviceCondition.QUARANTINED
            assert standing.reasons
            return
        assert set(standing.failing_backbones) == failing
        assert standing.unreported == silence(so_far)


@given(steps)
def test_what_is_remembered_is_bounded_and_gone_after_a_success(history: list[Step]) -> None:
    standing = reduce(after, history, ACTIVE)
    assert len(standing.failing_backbones) <= MOST_FAILING
    cleared = after_success(standing)
    assert (cleared.unreported, cleared.failing_backbones) == (0, ())


@given(steps)
def test_a_device_that_rests_is_never_quarantined(history: list[Step]) -> None:
    resting = DeviceStanding(condition=DeviceCondition.RESTING, since_unix_ms=1)
    assert reduce(after, history, resting).condition is DeviceCondition.RESTING


USUAL = MeasureSettings(
    runtime=Runtime.ONNXRUNTIME,
    threads=4,
    relative_half_width=0.02,
    time_budget_ms=1_000,
    takes=NetworkInput(size=square(224)),
    input_seed=0,
    onnxruntime=OnnxRuntimeOptions(),
)
CHOSEN = (
    replace(USUAL, cores=(0, 1)),
    replace(USUAL, flush_denormals=True),
    replace(USUAL, onnxruntime=OnnxRuntimeOptions(execution_provider="XnnpackExecutionProvider")),
    replace(USUAL, onnxruntime=OnnxRuntimeOptions(arena=False)),
)


@given(st.sampled_from(ReasonCode), st.sampled_from((None, USUAL, *CHOSEN)), st.booleans())
def test_a_runtime_that_does_not_load_is_the_devices_fault_and_broken_files_never_are(
    code: ReasonCode, settings: MeasureSettings | None, fails_elsewhere: bool
) -> None:
    is_of_it = is_of_the_job(code, settings, lambda: fails_elsewhere)
    if code is ReasonCode.NO_RUNTIME:
        assert not is_of_it
    if code in (ReasonCode.ARTIFACT_BROKEN, ReasonCode.OUT_OF_MEMORY):
        assert is_of_it
    if code is ReasonCode.CRASHED:
        assert is_of_it is fails_elsewhere
    if code is ReasonCode.RUNTIME_ERROR:
        assert is_of_it is (fails_elsewhere or settings in CHOSEN)
