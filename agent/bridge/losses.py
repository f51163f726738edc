"""Tells a phone that went, or hangs, from a measurement that failed."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from agent.bridge.adb.server import NoAdbServer, PhoneAway, PhoneSilent
from agent.bridge.phone import Phone, PhoneRefuses
from agent.measuring.supervision import DeviceAway, MeasuringFailed
from protos.reasons import ReasonCode

# A phone that goes so often while it measures one thing is brought down by it.
MOST_LOSSES: Final = 3
PULSE_S: Final = 15.0

_CODES: Final = {True: ReasonCode.DEVICE_HUNG, False: ReasonCode.CRASHED}
_WORDS: Final = {True: "hung", False: "went"}


def _nobody() -> None:
    """There is nobody to tell."""


def _not_known() -> bool:
    return False


@dataclass(kw_only=True)
class Losses:
    """Of one phone.

    Attributes:
        phone: which.
        pulse_s: how long one that does not hang may take to answer.
        is_known_to_hang: whether somebody else has found that it does.
        on_hanging: told that it hangs, so that nobody gives it anything.
        in_a_row: how often it went while it measured an artifact, by digest.
    """

    phone: Phone
    pulse_s: float = PULSE_S
    is_known_to_hang: Callable[[], bool] = _not_known
    on_hanging: Callable[[], None] = _nobody
    in_a_row: dict[str, int] = field(default_factory=dict)

    @contextmanager
    def told_apart(self, sha256: str, lost: Path) -> Iterator[Callable[[], None]]:
        """Measure an artifact within this.

        Args:
            sha256: of the artifact.
            lost: is there where a relay lost the phone.

        Yields:
            To be called when the phone has all that it needs: one that hangs before, does not hang
            by what it measures.

        Raises:
            DeviceAway: the phone went, or hangs; what it measured may be measured again.
            MeasuringFailed: it failed, or brought the phone down `MOST_LOSSES` times.
        """
        if self.in_a_row.get(sha256, 0) >= MOST_LOSSES:
            raise self._failed(sha256, hangs=True, why="it answered nothing any more")
        has_begun: list[bool] = []
        try:
            yield lambda: has_begun.append(True)
            self.in_a_row.pop(sha256, None)
        except (PhoneAway, NoAdbServer) as error:
            hangs = isinstance(error, PhoneSilent) and isinstance(self._silence(), PhoneSilent)
            raise self._lost(sha256, error, hangs=hangs, has_begun=bool(has_begun)) from error
        except PhoneRefuses as error:
            raise MeasuringFailed(ReasonCode.RUNTIME_ERROR, str(error)) from error
        except MeasuringFailed as error:
            if error.failure.code is ReasonCode.ATTEMPT_CANCELLED:
                if has_begun and self.is_known_to_hang():
                    # What is told of it now reaches nobody, since the phone has left the fleet.
                    self._count(sha256)
                raise
            silence = self._silence()
            if silence is not None or lost.exists():
                gone = silence or PhoneAway("its connection ended")
                hangs = isinstance(silence, PhoneSilent)
                raise self._lost(sha256, gone, hangs=hangs, has_begun=bool(has_begun)) from error
            raise

    def _lost(
        self, sha256: str, why: PhoneAway | NoAdbServer, *, hangs: bool, has_begun: bool
    ) -> DeviceAway | MeasuringFailed:
        """What is raised for a phone that went; one that this brings down has failed at it."""
        serial = self.phone.serial
        if hangs:
            self.on_hanging()
            if not has_begun:
                return DeviceAway(f"the phone {serial} hangs: {why}")
        if self._count(sha256) < MOST_LOSSES:
            return DeviceAway(f"the phone {serial} {_WORDS[hangs]}: {why}")
        return self._failed(sha256, hangs=hangs, why=str(why))

    def _failed(self, sha256: str, *, hangs: bool, why: str) -> MeasuringFailed:
        del self.in_a_row[sha256]
        return MeasuringFailed(
            _CODES[hangs],
            f"the phone {self.phone.serial} {_WORDS[hangs]} {MOST_LOSSES} times in a row while it "
            f"measured this ({why}): measure something smaller, or look at its power and its cable",
        )

    def _count(self, sha256: str) -> int:
        self.in_a_row[sha256] = self.in_a_row.get(sha256, 0) + 1
        return self.in_a_row[sha256]

    def _silence(self) -> PhoneAway | NoAdbServer | None:
        """Why it does not answer now; None where it does, and what failed was slow, or died."""
        try:
            self.phone.answers(self.pulse_s)
        except (PhoneAway, NoAdbServer) as error:
            return error
        return None
