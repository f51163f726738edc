"""Measures on a phone as on a device of one's own: a relay is the child."""

import math
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import asdict, dataclass
from pathlib import Path, PurePosixPath
from typing import Any, Final

from agent.artifacts.files import digest_of
from agent.bridge.kit import Brought, Kit
from agent.bridge.losses import Losses
from agent.bridge.phone import FOLDER, Phone
from agent.bridge.programs import MODULES
from agent.bridge.programs.inputs import write_inputs
from agent.bridge.programs.plan import ProgramPlan
from agent.bridge.relay import RunnerPlan
from agent.measuring.gate_watch import OnWaiting
from agent.measuring.measurer import Measurer, sampling_limit_ms
from agent.measuring.native.given import write_given
from agent.measuring.supervision import Cancellation
from protos.fleet import Measured, Profiled
from protos.measuring import MeasureSettings
from protos.runtimes import Runtime

# Behind the deadline by which the agent ends it.
_RUNNERS_OWN_LIMIT: Final = 1.5
_PROGRAMS: Final = FOLDER / "programs"
_OF_RUNNER: Final = "agent.bridge.relay"

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
        losses: tells a phone that went or hangs from a measurement that failed.
        holding: entered for each measurement.
    """

    phone: Phone
    kit: Kit
    folder: Path
    losses: Losses
    holding: Holding = _as_it_is

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
        with self._prepared(artifact, settings, cancellation, reference) as (brought, compared):
            return super().measure(
                brought,
                settings,
                cancellation,
                on_waiting,
                process_spread=process_spread,
                reference=compared,
            )

    def profile(
        self,
        artifact: Path,
        settings: MeasureSettings,
        cancellation: Cancellation,
        on_waiting: OnWaiting = lambda _: None,
    ) -> Profiled:
        """Profile one artifact as `Measurer.profile` does; the trace is brought here.

        Raises:
            MeasuringFailed: there is no profile; says why.
            DeviceAway: the phone went, or hangs.
        """
        with self._prepared(artifact, settings, cancellation) as (brought, _):
            return super().profile(brought, settings, cancellation, on_waiting)

    @contextmanager
    def _prepared(
        self,
        artifact: Path,
        settings: MeasureSettings,
        cancellation: Cancellation,
        reference: Path | None = None,
    ) -> Iterator[tuple[Path, Path | None]]:
        """Hold the phone, which has all that the next child needs.

        Yields:
            Where it has the artifact, and where what its outputs should be is read.
        """
        self.check(settings)
        wanted = cancellation.raise_if_cancelled
        with (
            self._made() as folder,
            self.losses.told_apart(_digest(artifact), folder / "lost") as begins,
            self.holding(cancellation),
        ):
            brought, compared = self._brought(artifact, wanted), reference
            if settings.runtime in self.kit.programs:
                # It shows its outputs, if at all, and they are compared here.
                self._start_program(folder, settings, wanted)
            else:
                compared = None if reference is None else Path(self._brought(reference, wanted))
                self._start_runner(folder, settings, reference, wanted)
            begins()
            yield Path(brought), compared

    def on_phone(self, brought: Brought) -> PurePosixPath:
        """Where a program is on the phone, once it is there with what it needs.

        Raises:
            PhoneAway: the phone went.
            PhoneRefuses: it does not take it.
        """
        names = [each.digest[:16] for each in self.kit.all]
        place = _PROGRAMS / brought.digest[:16]
        # Those of other versions go.
        self.phone.run(
            f"cd {_PROGRAMS} && for each in *; do "
            f'case $each in {"|".join(names)}) ;; *) rm -rf "$each" ;; esac; done'
        )
        for path in brought.files:
            self.phone.bring(path, place / path.name)
        return place / brought.program.name

    def describing(self, runtime: Runtime, folder: Path, limit_s: float) -> tuple[str, ...]:
        """The command of a relay that has a runtime describe itself, within a time.

        Raises:
            PhoneAway: the phone went.
            PhoneRefuses: it does not take the kit.
        """
        if runtime in self.kit.programs:
            return self._program_command(runtime, folder)
        return self._runner_command(runtime, folder, given=None, limit_s=limit_s)

    def _runner_command(
        self,
        runtime: Runtime,
        folder: Path,
        *,
        given: dict[str, str | None] | None,
        limit_s: float,
    ) -> tuple[str, ...]:
        assert self.kit.runner is not None
        program = self.on_phone(self.kit.runner)
        return RunnerPlan(
            **self._told(program, folder),
            library=str(program.parent / self.kit.libraries[runtime].name),
            given=given,
            time_limit_s=math.ceil(_RUNNERS_OWN_LIMIT * limit_s),
        ).command(_OF_RUNNER)

    def _program_command(self, runtime: Runtime, folder: Path) -> tuple[str, ...]:
        brought = self.kit.programs[runtime]
        return ProgramPlan(
            **self._told(self.on_phone(brought), folder),
            file=str(brought.program),
            architecture=self.kit.architecture,
        ).command(MODULES[runtime])

    def _told(self, program: PurePosixPath, folder: Path) -> dict[str, Any]:
        """What every relay is told."""
        return {
            "host": self.phone.server.host,
            "port": self.phone.server.port,
            "serial": self.phone.serial,
            "program": str(program),
            "folder": str(folder / "mirror"),
            "lost": str(folder / "lost"),
        }

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
        self.command = self._runner_command(settings.runtime, folder, given=places, limit_s=limit_s)

    def _start_program(
        self, folder: Path, settings: MeasureSettings, still_wanted: Callable[[], None]
    ) -> None:
        """Let the next child be a relay to a runtime's program, whose inputs are there already."""
        for path in write_inputs(settings, folder):
            self._brought(path, still_wanted)
        self.command = self._program_command(settings.runtime, folder)

    def _brought(self, content: Path, still_wanted: Callable[[], None]) -> PurePosixPath:
        return self.phone.bring(content, still_wanted=still_wanted)


def _digest(path: Path) -> str:
    with path.open("rb") as stream:
        return digest_of(stream).hexdigest()
