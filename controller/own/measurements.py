"""Measurements that people bring of another controller: checked, derived anew, kept once."""

import re
import uuid
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

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
    MAX_FPS,
    MAX_MINUTES,
    MAX_NAME_LENGTH,
    MAX_RELATIVE_HALF_WIDTH,
    MAX_REPETITIONS,
    MAX_THREADS,
    MAX_TIME_BUDGET_MS,
    MIN_FPS,
    SweepSpec,
)
from controller.figures.outputs import wrong_output
from controller.figures.spread import Spread
from controller.fleet.credibility import MAX_UNIX_MS
from controller.fleet.credibility.repetitions import doubt_of_repetition, states_of
from controller.fleet.credibility.saying import MAX_DETAIL_LENGTH
from controller.fleet.rounds.concluding import conclude
from controller.fleet.rounds.turns import Course
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
from protos.inputs import MAX_BATCH
from protos.measuring import MeasureSettings, Repetition
from protos.names import is_device_name, is_name
from protos.reasons import Reason

_SHA256: Final = re.compile("[0-9a-f]{64}")
_LONGEST_NS: Final = 10**13
_LARGEST: Final = 2**53
_MAX_TEXT: Final = 200
_MAX_CORES: Final = 4_096
# What a message tells again as a whole number with a sign.
_MAX_SIGNED: Final = 2**31 - 1
# More than any verdict has, and than any of them has figures or words.
_MAX_REASONS: Final = 32


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
        if not _is_text(header.file_name) or not _SHA256.fullmatch(header.file_sha256):
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
    problem = next(_problems(measurement), None)
    settings = measurement.settings
    if problem is not None:
        raise _invalid(f"measurement {number} cannot be: {problem}")
    if settings is None or _differ(settings, measurement):
        raise _invalid(f"measurement {number} cannot be: its settings are of something else")
    if not _may_be_asked(settings):
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


def _problems(measurement: Measurement) -> Iterator[str]:
    """Say what cannot be of a measurement: nothing of a stranger's file is trusted."""
    if not is_device_name(measurement.device):
        yield f"no device may be called {measurement.device[:64]!r}"
    if not is_name(measurement.backbone):
        yield f"no backbone may be called {measurement.backbone[:64]!r}"
    told = (measurement.sweep_id, measurement.runtime_version, measurement.runtime_build)
    if not all(_is_text(each) for each in (*told, measurement.emulator)):
        yield f"a text is longer than {_MAX_TEXT} characters, or has such that nobody can read"
    for digest in (measurement.artifact_sha256, measurement.weights_digest):
        if not _SHA256.fullmatch(digest):
            yield f"{digest[:64]!r} is no SHA-256"
    if not _has_numbers(measurement):
        yield "a number of it is below what there can be, or above"
    if not _has_plain_reasons(measurement.reasons):
        yield "its reasons are more, or longer, than any are"
    yield from _problems_of_repetitions(measurement)


def _problems_of_repetitions(measurement: Measurement) -> Iterator[str]:
    if not 1 <= len(measurement.repetitions) <= MAX_REPETITIONS:
        yield f"it has {len(measurement.repetitions)} repetitions, of 1 to {MAX_REPETITIONS}"
    if not all(map(_has_times, measurement.repetitions)):
        yield "a repetition has no samples, or such as take no time or hours"
    for repetition in measurement.repetitions:
        # What no agent may report, no file may, either.
        if doubt := doubt_of_repetition(repetition):
            yield f"a repetition has {doubt}"
        if wrong_output(repetition.output_check, measurement.output_tolerance):
            yield "the outputs of a repetition are wrong, so that its figures are of nothing"


def _differ(settings: MeasureSettings, measurement: Measurement) -> bool:
    told = settings.runtime, settings.threads
    has_pace = {each.paced is not None for each in measurement.repetitions}
    is_of_pace = has_pace == {bool(settings.paced_fps)}
    return told != (measurement.runtime, measurement.threads) or not is_of_pace


def _may_be_asked(settings: MeasureSettings) -> bool:
    """Whether a sweep may: a verdict is judged by what was asked for."""
    return (
        0 < settings.relative_half_width <= MAX_RELATIVE_HALF_WIDTH
        and 0 < settings.time_budget_ms <= MAX_TIME_BUDGET_MS
        and settings.sustained_minutes <= MAX_MINUTES
        and (not settings.paced_fps or MIN_FPS <= settings.paced_fps <= MAX_FPS)
        and not settings.profile_runs
    )


def _has_plain_reasons(reasons: Sequence[Reason]) -> bool:
    return len(reasons) <= _MAX_REASONS and all(
        len(each.figures) + len(each.words) <= _MAX_REASONS
        and all(len(word) <= MAX_DETAIL_LENGTH for word in each.words.values())
        for each in reasons
    )


def _has_numbers(measurement: Measurement) -> bool:
    moments = (
        measurement.measured_at_unix_ms,
        *(state.taken_at_unix_ms for each in measurement.repetitions for state in states_of(each)),
    )
    return (
        0 < measurement.artifact_size_bytes < _LARGEST
        and 0 < measurement.batch <= MAX_BATCH
        and 0 < measurement.threads <= MAX_THREADS
        and 0 <= measurement.repetitions_wanted <= MAX_REPETITIONS
        and all(0 <= moment <= MAX_UNIX_MS for moment in moments)
        and len(measurement.affinity) <= _MAX_CORES
        and all(0 <= core < _MAX_CORES for core in measurement.affinity)
    )


def _has_times(repetition: Repetition) -> bool:
    times = (*repetition.latency_ns, *repetition.warmup_ns, repetition.load_ns)
    sizes = (repetition.peak_rss_bytes, repetition.baseline_rss_bytes)
    are_sizes = all(0 <= each < _LARGEST for each in sizes)
    are_threads = 0 <= repetition.busy_threads <= _MAX_SIGNED
    are_times = bool(repetition.latency_ns) and all(0 < t < _LONGEST_NS for t in times)
    return are_times and are_sizes and are_threads


def _is_text(text: str) -> bool:
    return len(text) <= _MAX_TEXT and text.isprintable()


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
