"""A phone that hangs, one that went and one that was slow are told apart."""

from dataclasses import dataclass, field
from pathlib import Path

import pytest

from agent.bridge.adb.server import AdbServer, PhoneAway, PhoneSilent
from agent.bridge.losses import MOST_LOSSES, Losses
from agent.bridge.phone import Phone
from agent.measuring.supervision import DeviceAway, MeasuringFailed
from protos.reasons import ReasonCode

FILE = "0" * 64


@dataclass
class Answering(Phone):
    """A phone that answers, or not."""

    server: AdbServer = field(default_factory=AdbServer)
    serial: str = "A1"
    why: PhoneAway | None = None

    def answers(self, patience_s: float) -> bool:
        assert patience_s > 0
        if self.why is not None:
            raise self.why
        return True


@dataclass
class Told:
    """How often somebody was told that the phone hangs."""

    times: int = 0

    def tell(self) -> None:
        self.times += 1


@pytest.fixture
def told() -> Told:
    return Told()


def losses(told: Told, why: PhoneAway | None = None, *, is_known: bool = False) -> Losses:
    return Losses(phone=Answering(why=why), on_hanging=told.tell, is_known_to_hang=lambda: is_known)


def lose(of: Losses, error: Exception, *, begins: bool = True, lost: Path = Path("/none")) -> None:
    with of.told_apart(FILE, lost) as begin:
        if begins:
            begin()
        raise error


def test_one_that_hangs_each_time_has_failed_as_hung(told: Told) -> None:
    of = losses(told, PhoneSilent("it does not answer in time"))
    slow = MeasuringFailed(ReasonCode.TIMED_OUT, "the child was stopped after 1 s")
    for _ in range(MOST_LOSSES - 1):
        with pytest.raises(DeviceAway, match="A1 hung"):
            lose(of, slow)
    with pytest.raises(MeasuringFailed) as failed:
        lose(of, slow)
    assert failed.value.failure.code is ReasonCode.DEVICE_HUNG
    assert told.times == MOST_LOSSES
    assert not of.in_a_row


def test_one_that_hung_before_it_began_has_not_failed(told: Told) -> None:
    of = losses(told, PhoneSilent("it does not answer in time"))
    for _ in range(MOST_LOSSES * 2):
        with pytest.raises(DeviceAway, match="A1 hangs"):
            lose(of, PhoneSilent("it takes nothing more"), begins=False)
    assert not of.in_a_row
    assert told.times == MOST_LOSSES * 2


def test_one_that_hangs_until_it_has_left_the_fleet_fails_at_its_next_try(told: Told) -> None:
    of = losses(told, is_known=True)
    cancelled = MeasuringFailed(ReasonCode.ATTEMPT_CANCELLED, "the controller is away")
    for _ in range(MOST_LOSSES):
        with pytest.raises(MeasuringFailed) as told_cancelled:
            lose(of, cancelled)
        assert told_cancelled.value is cancelled
    with pytest.raises(MeasuringFailed) as failed, of.told_apart(FILE, Path("/none")):
        raise AssertionError("it is measured once more")
    assert failed.value.failure.code is ReasonCode.DEVICE_HUNG
    with of.told_apart(FILE, Path("/none")):
        assert not of.in_a_row


def test_one_that_goes_each_time_has_crashed(told: Told, tmp_path: Path) -> None:
    of, lost = losses(told), tmp_path / "lost"
    lost.touch()
    died = MeasuringFailed(ReasonCode.CRASHED, "the child exited with code 75")
    for _ in range(MOST_LOSSES - 1):
        with pytest.raises(DeviceAway, match="A1 went"):
            lose(of, died, lost=lost)
    with pytest.raises(MeasuringFailed) as failed:
        lose(of, PhoneAway("device not found"))
    assert failed.value.failure.code is ReasonCode.CRASHED
    assert not told.times


def test_one_that_still_answers_was_slow(told: Told) -> None:
    of = losses(told)
    with pytest.raises(MeasuringFailed) as failed:
        lose(of, MeasuringFailed(ReasonCode.TIMED_OUT, "the child was stopped after 1 s"))
    assert failed.value.failure.code is ReasonCode.TIMED_OUT
    # Of a command that it does not answer in time, though it answers others.
    with pytest.raises(DeviceAway, match="A1 went"):
        lose(of, PhoneSilent("it does not answer in time"), begins=False)
    assert not told.times


def test_what_is_measured_ends_the_row(told: Told) -> None:
    of = losses(told, PhoneAway("device not found"))
    for _ in range(MOST_LOSSES):
        with pytest.raises(DeviceAway):
            lose(of, PhoneAway("device not found"))
        with of.told_apart(FILE, Path("/none")):
            pass
