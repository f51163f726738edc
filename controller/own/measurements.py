"""Measurements that people bring of another controller: checked, derived anew, kept once."""

import uuid
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from controller.domain.errors import EdgerankError, ErrorCode
from controller.domain.measurements import Measurement, Verdict
from controller.domain.measurements.imports import (
    MOST_MEASUREMENTS,
    ImportDone,
    ImportHeader,
    content_digest,
)
from controller.domain.rankings import WITH_FIGURES
from controller.domain.sweeps import (
    MAX_NAME_LENGTH,
    SweepSpec,
)
from controller.figures.spread import Spread
from controller.fleet.rounds.concluding import conclude
from controller.fleet.rounds.turns import Course
from controller.own.credible import SHA256, differ, is_text, may_be_asked, problems
from controller.state.catalog.imports import (
    OpenImport,
    alike_samples,
    is_imported,
    put_measurement,
)
from controller.state.database import Database, Transaction
from controller.state.devices.imported import imported_device
from controller.state.measurements import Conclusion
from controller.state.rounds.repetitions import TakenRepetition
from protos.measuring import MeasureSettings
from protos.names import is_name


@dataclass(frozen=True, kw_only=True)
class _Checked:
    """A measurement that can be, with what was derived of it."""

    measurement: Measurement
    settings: MeasureSettings
    spec: SweepSpec
    conclusion: Conclusion
    digest: str


class Importing:
    """One import, group by group, so that one that is cut off goes on when repeated."""

    def __init__(self, database: Database, header: ImportHeader, started_by: str) -> None:
        """Raises EdgerankError, INVALID_INPUT, for a header that cannot be."""
        if not is_name(header.origin):
            raise _invalid(
                f"no controller may be called {header.origin!r}: use letters, digits, dots, dashes "
                "and underscores"
            )
        if not is_text(header.file_name) or not SHA256.fullmatch(header.file_sha256):
            raise _invalid("an import says from which file it comes, and its SHA-256")
        self._database = database
        self._open = OpenImport(uuid.uuid4().hex[:12], header, started_by)
        self._counts = {"added": 0, "known": 0, "without": 0}
        self._devices: dict[str, None] = {}

    def take(self, several: Iterable[Measurement], now_unix_ms: int) -> None:
        """Takes in those that are not here already and have figures, by one commit.

        Those before one that cannot be, or cannot be read, stay.

        Raises:
            EdgerankError: INVALID_INPUT, naming the measurement and what cannot be; NAME_TAKEN.
        """
        # Derived before anybody waits for the database.
        checked, problem = self._checked(several)
        outcomes: Counter[str] = Counter()
        devices: dict[str, None] = {}
        with self._database.writing() as transaction:
            try:
                for each in checked:
                    outcome, device = self._put(transaction, each, now_unix_ms)
                    outcomes[outcome] += 1
                    devices |= {} if device is None else {device: None}
            except EdgerankError as error:
                # Those before it are committed.
                problem = error
        for outcome, count in outcomes.items():
            self._counts[outcome] += count
        self._devices |= devices
        if problem is not None:
            raise problem

    def _checked(
        self, several: Iterable[Measurement]
    ) -> tuple[list[_Checked | None], EdgerankError | None]:
        """Up to the first that cannot be, and why it cannot; None for one without figures."""
        checked: list[_Checked | None] = []
        before = sum(self._counts.values())
        try:
            for number, measurement in enumerate(several, before + 1):
                checked.append(_check(measurement, number, self._open.header))
        except EdgerankError as error:
            return checked, error
        return checked, None

    def _put(
        self, transaction: Transaction, checked: _Checked | None, now_unix_ms: int
    ) -> tuple[str, str | None]:
        """Keeps one; gives what became of it, and of which device it is where it is new."""
        if checked is None:
            return "without", None
        measurement, digest = checked.measurement, checked.digest
        if is_imported(transaction, digest) or any(
            content_digest(_with_samples(measurement, samples)) == digest
            for samples in alike_samples(transaction, measurement)
        ):
            return "known", None
        device = imported_device(
            transaction,
            self._open.header.origin,
            measurement.device,
            emulator=measurement.emulator,
            now_unix_ms=now_unix_ms,
        )
        put_measurement(
            transaction,
            self._open,
            replace(checked.spec, devices=(device.name,)),
            device.device_id,
            measurement,
            settings=checked.settings,
            conclusion=checked.conclusion,
            content_sha256=digest,
            now_unix_ms=now_unix_ms,
        )
        return "added", device.name

    def done(self) -> ImportDone:
        """What became of it."""
        return ImportDone(
            import_id=self._open.import_id,
            added_count=self._counts["added"],
            known_count=self._counts["known"],
            without_figures_count=self._counts["without"],
            devices=tuple(self._devices),
        )


def _check(measurement: Measurement, number: int, header: ImportHeader) -> _Checked | None:
    """Derive what is kept of a measurement; None where it has no figures.

    Raises:
        EdgerankError: INVALID_INPUT for one that cannot be.
    """
    if number > MOST_MEASUREMENTS:
        raise _invalid(f"an import has at most {MOST_MEASUREMENTS:,} measurements: part it")
    if measurement.verdict is Verdict.FAILED or measurement.latency is None:
        return None
    problem = next(problems(measurement), None)
    settings = measurement.settings
    if problem is not None:
        raise _invalid(f"measurement {number} cannot be: {problem}")
    if settings is None or differ(settings, measurement):
        raise _invalid(f"measurement {number} cannot be: its settings are of something else")
    if not may_be_asked(settings):
        raise _invalid(f"measurement {number} cannot be: no sweep may ask for its settings")
    spec = _spec(measurement, settings, header)
    return _Checked(
        measurement=measurement,
        settings=settings,
        spec=spec,
        conclusion=_concluded(measurement, settings, spec),
        digest=content_digest(measurement),
    )


def _with_samples(measurement: Measurement, samples: Sequence[tuple[int, ...]]) -> Measurement:
    if len(samples) != len(measurement.repetitions):
        return replace(measurement, repetitions=())
    pairs = zip(measurement.repetitions, samples, strict=True)
    return replace(
        measurement, repetitions=tuple(replace(each, latency_ns=ns) for each, ns in pairs)
    )


def _concluded(measurement: Measurement, settings: MeasureSettings, spec: SweepSpec) -> Conclusion:
    """Derive figures and verdict from the samples by our own rules.

    Readings of the other controller's sentinel did not come with them: repetitions that it marked
    do not count where two others are left, and a worse verdict of its own stays.
    """
    steady = [each for each in measurement.repetitions if not each.is_suspect]
    counting = steady if len(steady) >= 2 else list(measurement.repetitions)
    taken = [
        TakenRepetition(
            ordinal=ordinal,
            block=None,
            repetition=repetition,
            runtime_version=measurement.runtime_version,
            runtime_build=measurement.runtime_build,
            affinity=measurement.affinity,
            taken_at_unix_ms=measurement.measured_at_unix_ms,
        )
        for ordinal, repetition in enumerate(counting, 1)
    ]
    ours = conclude(taken, settings, _unwatched(spec), not_ready=0)
    told = measurement.verdict
    if WITH_FIGURES.index(told) > WITH_FIGURES.index(ours.verdict):
        return replace(ours, verdict=told, reasons=measurement.reasons)
    return ours


def _unwatched(spec: SweepSpec) -> Course:
    """A course of which no reading is known."""
    return Course(
        spec=spec,
        planned_ms=0,
        spread=Spread(),
        history=Spread(),
        spent_ms=0,
        readings_ms=(),
        sentinel=None,
        has_repeated=False,
    )


def _spec(measurement: Measurement, settings: MeasureSettings, header: ImportHeader) -> SweepSpec:
    """What was asked for there, as far as its measurement tells."""
    return SweepSpec(
        backbones=(measurement.backbone,),
        devices=(measurement.device,),
        runtimes=(measurement.runtime,),
        threads=(measurement.threads,),
        weights=measurement.weights,
        fewest_repetitions=1,
        most_repetitions=max(measurement.repetitions_wanted, 1),
        relative_half_width=settings.relative_half_width,
        time_budget_ms=settings.time_budget_ms,
        name=f"imported-{header.origin}"[:MAX_NAME_LENGTH],
    )


def _invalid(problem: str) -> EdgerankError:
    return EdgerankError(ErrorCode.INVALID_INPUT, problem)
