"""Measurements that people bring of another controller: checked, derived anew, kept once."""

import uuid
from collections import Counter
from collections.abc import Iterable, Mapping
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
    NewMeasurement,
    OpenImport,
    known_of,
    put_measurements,
)
from controller.state.database import Database, Transaction
from controller.state.devices.coming import Enrolled
from controller.state.devices.imported import imported_device
from controller.state.measurements import Conclusion
from controller.state.rounds.repetitions import TakenRepetition
from protos.measuring import MeasureSettings
from protos.names import is_name


@dataclass(frozen=True, kw_only=True)
class _Checked:
    """A measurement that can be."""

    measurement: Measurement
    settings: MeasureSettings
    spec: SweepSpec
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
        checked, problem = self._checked(several)
        told: dict[str, _Checked] = {}
        for each in filter(None, checked):
            # The first of the same content is the one that is kept.
            told.setdefault(each.digest, each)
        with self._database.transaction() as transaction:
            known = _known_of(transaction, told)
        # Only of what is new, and before anybody waits for the database.
        concluded = {
            digest: _concluded(each) for digest, each in told.items() if digest not in known
        }
        with self._database.writing() as transaction:
            # Others may have brought the same meanwhile.
            known |= _known_of(transaction, {digest: told[digest] for digest in concluded})
            taken = _Taken(transaction, self._open.header.origin, now_unix_ms)
            try:
                for one in checked:
                    taken.take(one, known, concluded)
            except EdgerankError as error:
                # Those before it are committed.
                problem = error
            put_measurements(transaction, self._open, taken.new, now_unix_ms)
        for outcome, count in taken.outcomes.items():
            self._counts[outcome] += count
        self._devices |= dict.fromkeys(each.name for each in taken.devices.values())
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

    def done(self) -> ImportDone:
        """What became of it."""
        return ImportDone(
            import_id=self._open.import_id,
            added_count=self._counts["added"],
            known_count=self._counts["known"],
            without_figures_count=self._counts["without"],
            devices=tuple(self._devices),
        )


class _Taken:
    """What of a group is new, and of which devices."""

    def __init__(self, transaction: Transaction, origin: str, now_unix_ms: int) -> None:
        self._transaction = transaction
        self._origin = origin
        self._now_unix_ms = now_unix_ms
        self.new: list[NewMeasurement] = []
        self.outcomes: Counter[str] = Counter()
        self.devices: dict[str, Enrolled] = {}

    def take(
        self, checked: _Checked | None, known: set[str], concluded: Mapping[str, Conclusion]
    ) -> None:
        """Looks at one; of what is new, the digest is known from then on.

        Raises:
            EdgerankError: NAME_TAKEN by another device.
        """
        if checked is None:
            self.outcomes["without"] += 1
        elif checked.digest in known:
            self.outcomes["known"] += 1
        else:
            device = self._device(checked.measurement)
            self.new.append(
                NewMeasurement(
                    measurement=checked.measurement,
                    settings=checked.settings,
                    spec=replace(checked.spec, devices=(device.name,)),
                    device_id=device.device_id,
                    conclusion=concluded[checked.digest],
                    content_sha256=checked.digest,
                )
            )
            known.add(checked.digest)
            self.outcomes["added"] += 1

    def _device(self, measurement: Measurement) -> Enrolled:
        name = measurement.device
        if name not in self.devices:
            self.devices[name] = imported_device(
                self._transaction,
                self._origin,
                name,
                emulator=measurement.emulator,
                now_unix_ms=self._now_unix_ms,
            )
        return self.devices[name]


def _known_of(transaction: Transaction, told: Mapping[str, _Checked]) -> set[str]:
    return known_of(transaction, {digest: each.measurement for digest, each in told.items()})


def _check(measurement: Measurement, number: int, header: ImportHeader) -> _Checked | None:
    """Look at a measurement; None where it has no figures.

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
    return _Checked(
        measurement=measurement,
        settings=settings,
        spec=_spec(measurement, settings, header),
        digest=content_digest(measurement),
    )


def _concluded(checked: _Checked) -> Conclusion:
    """Derive figures and verdict from the samples by our own rules.

    Readings of the other controller's sentinel did not come with them: repetitions that it marked
    do not count where two others are left, and a worse verdict of its own stays.
    """
    measurement = checked.measurement
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
    ours = conclude(taken, checked.settings, _unwatched(checked.spec), not_ready=0)
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
