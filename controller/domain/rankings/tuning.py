"""The best setting of one backbone on one device: which are tried, and which go on.

All are measured coarsely; what has surely lost is stopped, what may be the fastest is measured on
with more processes, until one is left or the rounds are over: a race (Maron and Moore, Hoeffding
Races, Advances in Neural Information Processing Systems 6, 1994), by successive elimination
(Even-Dar, Mannor and Mansour, Action Elimination and Stopping Conditions for the Multi-Armed Bandit
and Reinforcement Learning Problems, Journal of Machine Learning Research 7, 2006) with the
intervals of the medians at 95 %, each by itself.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from typing import Final

from controller.domain.cores import CoreChoice, Cores
from controller.domain.jobs import JobOutcome
from controller.domain.measurements import Measurement, Verdict
from controller.domain.rankings.limits import Criterion, Limit, figure_of
from controller.domain.sweeps import MAX_THREADS, SweepSpec
from models.catalog.precisions import Precision
from protos.device import DeviceProfile
from protos.reasons import Reason, ReasonCode
from protos.runtimes import OnnxRuntimeOptions, Runtime

_XNNPACK: Final = "XnnpackExecutionProvider"


@dataclass(frozen=True, kw_only=True)
class Setting:
    """How a backbone may be run.

    Attributes:
        runtime: what runs it.
        threads: that it is told to use.
        precision: of the file.
        cores: that compute.
        onnxruntime: what ONNX Runtime alone is told; None is its own defaults.
    """

    runtime: Runtime
    threads: int
    precision: Precision
    cores: Cores = Cores()
    onnxruntime: OnnxRuntimeOptions | None = None


@dataclass(frozen=True, kw_only=True)
class Protocol:
    """How hard one round measures: the more rounds, the harder."""

    fewest_repetitions: int
    most_repetitions: int
    relative_half_width: float
    time_budget_ms: int


ROUNDS: Final = (
    Protocol(
        fewest_repetitions=2, most_repetitions=2, relative_half_width=0.05, time_budget_ms=2_000
    ),
    Protocol(
        fewest_repetitions=3, most_repetitions=5, relative_half_width=0.02, time_budget_ms=5_000
    ),
    Protocol(
        fewest_repetitions=5, most_repetitions=10, relative_half_width=0.01, time_budget_ms=10_000
    ),
)
"""From coarse to fine."""


class Fate(Enum):
    """What became of a setting."""

    RUNNING = "running"
    """It may be the fastest, and is measured on."""
    BEST = "best"
    """The fastest of those that were measured to the end."""
    TIED = "tied"
    """It cannot be told apart from the best."""
    LOST = "lost"
    """Another one is surely faster."""
    BEYOND_LIMIT = "beyond_limit"
    """It does not satisfy the limits."""
    FAILED = "failed"
    """It has no figure."""


@dataclass(frozen=True, kw_only=True)
class Trial:
    """A setting that was tried.

    Attributes:
        setting: how it was run.
        fate: what became of it.
        round_number: the last round that it was measured in, from 1.
        measurement: what it was measured at there, without raw samples; None of a failed one that
            left none.
        broken: criteria of the limits that it does not satisfy.
        reasons: why it failed.
    """

    setting: Setting
    fate: Fate = Fate.RUNNING
    round_number: int = 0
    measurement: Measurement | None = None
    broken: tuple[Criterion, ...] = ()
    reasons: tuple[Reason, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Tuning:
    """The best setting of a backbone on a device, and all that was tried.

    Attributes:
        device: its name.
        backbone: its name.
        limits: that the best satisfies.
        trials: the best first, then ties, then by how far they came and how fast they were.
        rounds: how many there were.
        sweep_ids: of the sweeps that measured them, in order.
    """

    device: str
    backbone: str
    limits: tuple[Limit, ...] = ()
    trials: tuple[Trial, ...] = ()
    rounds: int = 0
    sweep_ids: tuple[str, ...] = ()

    @property
    def best(self) -> Trial | None:
        """The fastest within the limits; None where there is none."""
        return next((trial for trial in self.trials if trial.fate is Fate.BEST), None)


def settings_of(
    profile: DeviceProfile,
    runtimes: Sequence[Runtime],
    precisions: Sequence[Precision],
    threads: Sequence[int] = (),
) -> tuple[Setting, ...]:
    """Return every setting that a device may have, the plainest first.

    Args:
        profile: what the device says of itself.
        runtimes: those to try; empty is all that work there.
        precisions: those to try, at least one.
        threads: those to try; empty is 1, 2, 4, ... and as many as it has cores.
    """
    there = {info.runtime: info for info in profile.working_runtimes}
    found: list[Setting] = []
    for cores, count in _core_choices(profile):
        for number in threads or _doubling(count):
            if number > count:
                continue
            for runtime in there if not runtimes else [each for each in runtimes if each in there]:
                providers = there[runtime].execution_providers
                found += (
                    Setting(
                        runtime=runtime,
                        threads=number,
                        precision=precision,
                        cores=cores,
                        onnxruntime=options,
                    )
                    for precision in precisions
                    for options in _options(runtime, number, providers)
                )
    return tuple(found)


def _core_choices(profile: DeviceProfile) -> list[tuple[Cores, int]]:
    """Return the cores that may compute, with how many they are."""
    usable = len(profile.usable_cpus) or profile.logical_cores or 1
    quota = profile.cpu_quota_cores
    count = usable if quota is None else max(1, min(usable, int(quota)))
    choices = [(Cores(), min(count, MAX_THREADS))]
    if len(profile.clusters) > 1:
        ends = ((CoreChoice.BIG, profile.clusters[0]), (CoreChoice.LITTLE, profile.clusters[-1]))
        choices += [(Cores(choice=choice), len(cluster.cpus)) for choice, cluster in ends]
    return choices


def _doubling(count: int) -> tuple[int, ...]:
    powers = [2**power for power in range(count.bit_length()) if 2**power <= count]
    return tuple(dict.fromkeys((*powers, count)))


def _options(
    runtime: Runtime, threads: int, providers: Sequence[str]
) -> tuple[OnnxRuntimeOptions | None, ...]:
    if runtime is not Runtime.ONNXRUNTIME:
        return (None,)
    # Only threads that wait for others can spin.
    sleeping = (OnnxRuntimeOptions(spinning=False),) if threads > 1 else ()
    xnnpack = (OnnxRuntimeOptions(execution_provider=_XNNPACK),) if _XNNPACK in providers else ()
    return (None, *sleeping, *xnnpack)


def sweeps_of(
    asked: SweepSpec, settings: Iterable[Setting], protocol: Protocol
) -> tuple[tuple[SweepSpec, tuple[Setting, ...]], ...]:
    """Return the sweeps that measure these settings and no other, each with its own.

    Args:
        asked: of the backbone and the device, with what all settings have in common.
        settings: to be measured.
        protocol: how hard.
    """
    groups: dict[Setting, list[Setting]] = {}
    for setting in settings:
        groups.setdefault(replace(setting, threads=1), []).append(setting)
    return tuple(
        (
            replace(
                asked,
                runtimes=(alike.runtime,),
                threads=tuple(each.threads for each in some),
                fewest_repetitions=protocol.fewest_repetitions,
                most_repetitions=protocol.most_repetitions,
                relative_half_width=protocol.relative_half_width,
                time_budget_ms=protocol.time_budget_ms,
                precisions=(alike.precision,),
                cores=alike.cores,
                onnxruntime=alike.onnxruntime,
            ),
            tuple(some),
        )
        for alike, some in groups.items()
    )


def measured(
    trials: Sequence[Trial], found: Iterable[tuple[Setting, Measurement | None]], round_number: int
) -> tuple[Trial, ...]:
    """Return the trials with what a round measured; without a figure a setting has failed."""
    by_setting = dict(found)
    return tuple(
        _measured(trial, by_setting[trial.setting], round_number)
        if trial.setting in by_setting
        else trial
        for trial in trials
    )


def _measured(trial: Trial, figure: Measurement | None, round_number: int) -> Trial:
    reached = replace(trial, round_number=round_number)
    if figure is None:
        return replace(reached, fate=Fate.FAILED)
    failed = figure.latency is None
    return replace(
        reached,
        measurement=figure,
        fate=Fate.FAILED if failed else Fate.RUNNING,
        reasons=figure.reasons if failed else (),
    )


def judged(trials: Sequence[Trial], limits: Sequence[Limit]) -> tuple[Trial, ...]:
    """Return the trials with those stopped that have surely lost, or are beyond a limit.

    One has surely lost when its interval lies wholly above another's. A disturbed or throttled
    figure may be off by more, so that it neither stops another nor is stopped, unless all are so.
    """
    within = tuple(_within(trial, limits) for trial in trials)
    running = [trial for trial in within if trial.fate is Fate.RUNNING]
    sound = [trial for trial in running if _verdict(trial) in (Verdict.OK, Verdict.WIDE)] or running
    least_high = min((_interval(trial)[1] for trial in sound), default=0.0)
    lost = {trial.setting for trial in sound if _interval(trial)[0] > least_high}
    return tuple(
        replace(trial, fate=Fate.LOST) if trial.setting in lost else trial for trial in within
    )


def concluded(trials: Sequence[Trial]) -> tuple[Trial, ...]:
    """Return the trials with the best and its ties named, in the order of `Tuning.trials`."""
    running = [trial for trial in trials if trial.fate is Fate.RUNNING]
    best = min(running, key=_median_ms, default=None)
    told = [
        trial
        if trial.fate is not Fate.RUNNING
        else replace(trial, fate=Fate.BEST if trial is best else Fate.TIED)
        for trial in trials
    ]
    order = tuple(Fate)
    return tuple(sorted(told, key=lambda t: (order.index(t.fate), -t.round_number, _median_ms(t))))


def _within(trial: Trial, limits: Sequence[Limit]) -> Trial:
    if trial.fate is not Fate.RUNNING or trial.measurement is None:
        return trial
    broken = tuple(
        limit.criterion
        for limit in limits
        if (figure := figure_of(limit.criterion, trial.measurement)) is None
        or limit.overstep(figure) > 0
    )
    return replace(trial, fate=Fate.BEYOND_LIMIT, broken=broken) if broken else trial


def _verdict(trial: Trial) -> Verdict:
    return Verdict.FAILED if trial.measurement is None else trial.measurement.verdict


def _interval(trial: Trial) -> tuple[float, float]:
    latency = None if trial.measurement is None else trial.measurement.latency
    # What runs has figures.
    assert latency is not None
    return latency.low_ms, latency.high_ms


def _median_ms(trial: Trial) -> float:
    latency = None if trial.measurement is None else trial.measurement.latency
    return float("inf") if latency is None else latency.median_ms


def is_without_weights(ended: Sequence[JobOutcome]) -> bool:
    """Whether all failed for want of weights, as they would in any other setting."""
    return bool(ended) and all(
        any(why.code is ReasonCode.WEIGHTS_UNAVAILABLE for why in job.reasons) for job in ended
    )
