"""Measures on a phone as on a device of one's own: a relay is the child."""

import math
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import asdict, dataclass, field
from pathlib import Path, PurePosixPath
from typing import Final

from agent.artifacts.files import digest_of
from agent.bridge.kit import Kit
from agent.bridge.phone import FOLDER, Phone, PhoneRefuses
from agent.bridge.relay import Plan
from agent.bridge.server import NoAdbServer, PhoneAway
from agent.measuring.gate_watch import OnWaiting
from agent.measuring.measurer import Measurer, sampling_limit_ms
from agent.measuring.native.given import write_given
from agent.measuring.supervision import Cancellation, DeviceAway, MeasuringFailed
from protos.fleet import Measured, Profiled
from protos.measuring import MeasureSettings
from protos.reasons import ReasonCode
from protos.runtimes import Runtime

# A phone that goes so often while it measures one thing is brought down by it.
MOST_LOSSES: Final = 3
PULSE_S: Final = 15.0
# Behind the deadline by which the agent ends it.
_RUNNERS_OWN_LIMIT: Final = 1.5

# What holds a phone as a measurement wants it, or lets it have its turn.
Holding = Callable[[Cancellation], AbstractContextManager[None]]


def _as_it_is(_: Cancellation) -> AbstractContextManager[None]:
    return nullcontext()


@dataclass(kw_only=True)
class PhoneMeasurer(Measurer):
    """Measures on one phone.

    Attributes:
        phone: where.
        kit: what is brought to it.
        folder: of this computer, for what is made for one measurement.
        holding: entered for each measurement.
        losses: how often in a row the phone went while it measured an artifact, by digest.
        pulse_s: how long a phone that does not hang may take to answer.
    """

    phone: Phone
    kit: Kit
    folder: Path
    holding: Holding = _as_it_is
    losses: dict[str, int] = field(default_factory=dict)
    pulse_s: float = PULSE_S

    def measure(
        self,
        artifact: Path,
        settings: MeasureSettings,
        cancellation: Cancellation,
        on_waiting: OnWaiting = lambda _: None,
        *,
        process_spread: float = 0.0,
        reference: Path | None = None,
    ) -> Measured:
        """Measure one repetition as `Measurer.measure` does.

        Raises:
            MeasuringFailed: there is no figure; says why.
            DeviceAway: the phone went, or hangs.
        """
        self.check(settings)
        wanted = cancellation.raise_if_cancelled
        with (
            self._made() as folder,
            self._lost_told(folder, _digest(artifact)),
            self.holding(cancellation),
        ):
            brought = self._brought(artifact, wanted)
            compared = None if reference is None else self._brought(reference, wanted)
            self._start_runner(folder, settings, reference, wanted)
            return super().measure(
                Path(brought),
                settings,
                cancellation,
                on_waiting,
                process_spread=process_spread,
                reference=None if compared is None else Path(compared),
            )

    def profile(
        self,
        artifact: Path,
        settings: MeasureSettings,
        cancellation: Cancellation,
        on_waiting: OnWaiting = lambda _: None,
    ) -> Profiled:
        """Nothing on a phone tells the times of operators.

        Raises:
            MeasuringFailed: always.
        """
        del artifact, settings, cancellation, on_waiting
        raise MeasuringFailed(
            ReasonCode.RUNTIME_ERROR,
            "the runner on a phone tells no times of operators: profile on a device with an agent "
            "of its own",
        )

    def program_on_phone(self) -> PurePosixPath:
        """Where the runner is, once all of the kit is there.

        Raises:
            PhoneAway: the phone went.
            PhoneRefuses: it does not take it.
        """
        name = self.kit.digest[:16]
        place = FOLDER / "programs" / name
        # Those of other versions go.
        self.phone.run(
            f'cd {place.parent} && for each in *; do [ "$each" = {name} ] || rm -rf "$each"; done'
        )
        for path in self.kit.files:
            self.phone.bring(path, place / path.name)
        return place / self.kit.program.name

    def plan(
        self,
        runtime: Runtime,
        folder: Path,
        *,
        given: dict[str, str | None] | None,
        limit_s: float,
    ) -> Plan:
        """What a relay is to do for a runtime, which the agent ends after a time.

        Raises:
            PhoneAway: the phone went.
            PhoneRefuses: it does not take the kit.
        """
        program = self.program_on_phone()
        return Plan(
            host=self.phone.server.host,
            port=self.phone.server.port,
            serial=self.phone.serial,
            program=str(program),
            library=str(program.parent / self.kit.libraries[runtime].name),
            given=given,
            time_limit_s=math.ceil(_RUNNERS_OWN_LIMIT * limit_s),
            folder=str(folder / "mirror"),
            lost=str(folder / "lost"),
        )

    @contextmanager
    def _made(self) -> Iterator[Path]:
        with tempfile.TemporaryDirectory(dir=self.folder) as folder:
            yield Path(folder)

    def _start_runner(
        self,
        folder: Path,
        settings: MeasureSettings,
        reference: Path | None,
        still_wanted: Callable[[], None],
    ) -> None:
        """Let the next child be a relay to a runner that is given what this setting needs."""
        given = write_given(folder, settings.takes, settings.input_seed, reference)
        places = {
            name: None if path is None else str(self._brought(Path(path), still_wanted))
            for name, path in asdict(given).items()
        }
        limit_s = self.start_allowance_s + sampling_limit_ms(settings) / 1_000
        plan = self.plan(settings.runtime, folder, given=places, limit_s=limit_s)
        self.command = plan.command()

    def _brought(self, content: Path, still_wanted: Callable[[], None]) -> PurePosixPath:
        return self.phone.bring(content, still_wanted=still_wanted)

    @contextmanager
    def _lost_told(self, folder: Path, sha256: str) -> Iterator[None]:
        """Tell a phone that went from a measurement that failed."""
        try:
            yield
            self.losses.pop(sha256, None)
        except (PhoneAway, NoAdbServer) as error:
            raise self._away(sha256, str(error)) from error
        except PhoneRefuses as error:
            raise MeasuringFailed(ReasonCode.RUNTIME_ERROR, str(error)) from error
        except MeasuringFailed as error:
            if error.failure.code is ReasonCode.ATTEMPT_CANCELLED:
                raise
            if (folder / "lost").exists():
                raise self._away(sha256, "its connection ended") from error
            self._check_alive(sha256, error)
            raise

    def _check_alive(self, sha256: str, error: MeasuringFailed) -> None:
        """Let a failure stand where the phone still answers: it was slow, or the runner died."""
        try:
            self.phone.answers(self.pulse_s)
        except (PhoneAway, NoAdbServer) as silence:
            raise self._away(sha256, str(silence)) from error

    def _away(self, sha256: str, why: str) -> DeviceAway | MeasuringFailed:
        """What is raised for a phone that went; one that this brings down has failed at it."""
        self.losses[sha256] = self.losses.get(sha256, 0) + 1
        if self.losses[sha256] < MOST_LOSSES:
            return DeviceAway(f"the phone {self.phone.serial} went: {why}")
        del self.losses[sha256]
        return MeasuringFailed(
            ReasonCode.CRASHED,
            f"the phone {self.phone.serial} went {MOST_LOSSES} times in a row while it measured "
            f"this ({why}): measure something smaller, or look at its power and its cable",
        )


def _digest(path: Path) -> str:
    with path.open("rb") as stream:
        return digest_of(stream).hexdigest()
