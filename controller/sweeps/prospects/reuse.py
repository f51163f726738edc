"""Which jobs were measured alike before, so that they need not be again.

Alike is: the same file, on the same device, with the same build of the runtime, told the same. Such
a figure stands for a job when it holds what is asked for now: its interval is as narrow, or its own
sweep tried as hard to make it so and a new one would end as wide. In the same race it is as good
where that race decided on it among those that race now; where it did not, or others race, its
processes count on. What was disturbed or throttled stands for nothing.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from controller.domain.devices import Device
from controller.domain.jobs import PlannedJob
from controller.domain.sweeps import SweepSpec
from controller.figures.statistics import relative_half_width
from controller.state.rounds.history import EarlierFigure
from controller.sweeps.prospects.racers import AskedNow
from models.catalog.variants import Variant
from protos.measuring import MeasureSettings
from protos.reasons import ReasonCode
from protos.runtimes import Runtime, RuntimeInfo


def measured_before(
    jobs: Sequence[PlannedJob],
    asked: AskedNow,
    devices: Iterable[Device],
    files: Mapping[Variant, str],
    earlier: Iterable[EarlierFigure],
) -> tuple[EarlierFigure | None, ...]:
    """The newest figure that stands for each job; None where there is none, and for a sentinel.

    Args:
        jobs: of the sweep.
        asked: what is asked for.
        devices: those of the jobs.
        files: the SHA-256 of each variant's file, of those that there are.
        earlier: figures of before, the oldest first.
    """
    return _newest(jobs, devices, files, (each for each in earlier if holds(each, asked)))


def begun_before(
    jobs: Sequence[PlannedJob],
    asked: AskedNow,
    devices: Iterable[Device],
    files: Mapping[Variant, str],
    earlier: Iterable[EarlierFigure],
) -> tuple[EarlierFigure | None, ...]:
    """The newest figure of each job that the same race left open, see `goes_on`: it counts on.

    Args:
        jobs: of the sweep.
        asked: what is asked for.
        devices: those of the jobs.
        files: the SHA-256 of each variant's file, of those that there are.
        earlier: figures of before, the oldest first.
    """
    if asked.spec.race is None:
        return tuple(None for _ in jobs)
    return _newest(jobs, devices, files, (each for each in earlier if goes_on(each, asked)))


def _newest(
    jobs: Sequence[PlannedJob],
    devices: Iterable[Device],
    files: Mapping[Variant, str],
    figures: Iterable[EarlierFigure],
) -> tuple[EarlierFigure | None, ...]:
    has = {
        (device.device_id, info.runtime): info
        for device in devices
        for info in device.profile.runtimes
    }
    there: dict[tuple[str, str], list[tuple[MeasureSettings, EarlierFigure]]] = {}
    for figure in figures:
        info = has.get((figure.device_id, figure.settings.runtime))
        if info is not None and _ran_with(figure, info):
            of_file = there.setdefault((figure.device_id, figure.artifact_sha256), [])
            of_file.append((_told(figure.settings), figure))

    def standing_for(job: PlannedJob) -> EarlierFigure | None:
        of_file = there.get((job.device_id, files.get(job.variant, "")))
        if of_file is None or job.is_sentinel:
            return None
        wanted = _told(job.settings)
        return next((figure for told, figure in reversed(of_file) if told == wanted), None)

    return tuple(map(standing_for, jobs))


def goes_on(figure: EarlierFigure, asked: AskedNow) -> bool:
    """Whether the race that gave a figure was the same, and more of it may tell something now.

    It ended before it was decided, or others race now than those that the decision was among.
    """
    spec = asked.spec
    if figure.asked.race != spec.race or (spec.sentinel and not figure.asked.sentinel):
        return False
    return _has(figure, ReasonCode.RACE_UNDECIDED) or not _stays_decided(figure, asked)


def _stays_decided(figure: EarlierFigure, asked: AskedNow) -> bool:
    """Whether what the same race decided on a figure holds among those that race now.

    What stands takes no process more, so that nobody may be left whom more of it would decide on.
    """
    lost = [each for each in figure.reasons if each.code is ReasonCode.LOST_RACE]
    if any(each.words.get("standing") == "over_limit" for each in lost):
        # Nobody has to race for that.
        return True
    if lost:
        # Who lost loses among more, too; what it lost to may not race now.
        return asked.has_all_of(figure.asked)
    # Nobody compared it with who did not race then, and who lost to others goes on beside it.
    return asked.has_none_but(figure.asked) and asked.has_all_of(figure.asked)


def _has(figure: EarlierFigure, code: ReasonCode) -> bool:
    return any(each.code is code for each in figure.reasons)


def holds(figure: EarlierFigure, asked: AskedNow) -> bool:
    """Whether a figure is as good as what a sweep would give, of a job that is told the same."""
    spec = asked.spec
    if figure.latency.repetition_count < spec.fewest_repetitions:
        return False
    if spec.sentinel and not figure.asked.sentinel:
        return False
    if _has(figure, ReasonCode.RACE_UNDECIDED):
        # Another day goes on where the time ended, see `begun_before`.
        return False
    if spec.race is not None and figure.asked.race is not None:
        # It is decided, however little time that took; of another question nothing is.
        is_same = figure.asked.race == spec.race and _took_as_much(figure.asked, spec)
        return is_same and _stays_decided(figure, asked)
    # The interval of one process tells nothing of another, which a race may ask for.
    tells_of_others = spec.race is None or figure.latency.repetition_count > 1
    is_narrow = relative_half_width(figure.latency) <= spec.relative_half_width
    return (tells_of_others and is_narrow) or _tried_as_hard(figure.asked, spec)


def _tried_as_hard(before: SweepSpec, now: SweepSpec) -> bool:
    if before.time_ms is None or now.time_ms is None:
        # A time for all jobs together may be more or less than each has by itself.
        has_as_long = before.time_ms is now.time_ms
    else:
        has_as_long = before.time_ms >= now.time_ms
    # Who lost a race was not measured further.
    return has_as_long and before.race is None and _took_as_much(before, now)


def _took_as_much(before: SweepSpec, now: SweepSpec) -> bool:
    return (
        before.relative_half_width <= now.relative_half_width
        and before.most_repetitions >= now.most_repetitions
        and before.time_budget_ms >= now.time_budget_ms
    )


def _told(settings: MeasureSettings) -> MeasureSettings:
    """What a job is told, without how narrow and how long: a figure says what became of that."""
    return replace(settings, relative_half_width=0, time_budget_ms=0)


def _ran_with(figure: EarlierFigure, info: RuntimeInfo) -> bool:
    # Paddle Lite says its build of a loaded network otherwise than without one.
    is_told_alike = info.runtime is Runtime.ONNXRUNTIME
    is_same_build = not is_told_alike or figure.runtime_build == info.build
    return figure.runtime_version == info.version and is_same_build
