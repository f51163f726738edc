"""What a race expects of candidates that it did not measure, and whom it measures first.

Pure rules: predictions are those of `controller.ranking.prediction`, setting by setting, from what
the race and earlier sweeps measured in the same setting, and how other settings and devices behave.
"""

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence, Set
from functools import lru_cache
from operator import itemgetter
from types import MappingProxyType
from typing import Final, NamedTuple, TypeAlias

from controller.domain.rankings.predictions import (
    Elsewhere,
    KnownFigure,
    Prediction,
    PredictionQuestion,
)
from controller.fleet.rounds.foretelling import predicted_prior
from controller.ranking.prediction import first_backbones, predict
from controller.ranking.prediction.elsewhere import most_alike
from controller.ranking.prediction.evidence import Network, tells_of
from controller.ranking.racing.beliefs import Prior
from controller.state.catalog.candidates import RacingJob
from models.catalog.features import NetworkFeatures
from models.catalog.precisions import MADE_PRECISIONS, Precision
from models.catalog.variants import Target
from protos.runtimes import OnnxRuntimeOptions, Runtime

PIONEERS: Final = 12
"""Backbones that are measured first in each setting: those that tell most of the others."""
ANOTHER_DAY: Final = 0.05
"""Standard deviation, on the logarithm, of a figure that another sweep measured and that does not
stand for a job: what it expects is not less sure than a prediction."""
_WORTH_PREDICTING: Final = 4
_MOST_DEVICES_TOLD: Final = 8
"""Settings of other devices that one of the race learns from: each takes its time in each round."""

_Figures: TypeAlias = tuple[tuple[str, float], ...]


class Setting(NamedTuple):
    """What candidates have to have in common for one to tell of another."""

    runtime: Runtime
    threads: int
    target: Target
    cores: tuple[int, ...]
    flush_denormals: bool
    onnxruntime: OnnxRuntimeOptions | None
    precision: Precision


def pioneers(
    candidates: Sequence[RacingJob], features: Mapping[Network, NetworkFeatures]
) -> tuple[str, ...]:
    """Ids of the jobs that a race begins with; empty where enough was measured before.

    In each setting these are the backbones that tell most of the others, and all of which nothing
    can be predicted, or no accuracy is known; everybody where there are few.

    Args:
        candidates: of the race.
        features: of networks that have any.
    """
    chosen: list[str] = []
    for setting, those in _by_setting(candidates, features).items():
        begin = [each for each in those if not (each.has_ended or each.medians_ms)]
        chosen += [each.job_id for each in begin if each.top1 is None]
        waiting = [each for each in begin if each.top1 is not None]
        known = [_name(each) for each in those if each.medians_ms]
        if setting is None or len(waiting) + len(known) <= PIONEERS + _WORTH_PREDICTING:
            chosen += [each.job_id for each in waiting]
            continue
        here = {_name(each): found for each in those if (found := _features(each, features))}
        first = _first(
            tuple(sorted(here.items(), key=itemgetter(0))),
            max(0, PIONEERS - len(known)),
            tuple(sorted(known)),
        )
        chosen += [each.job_id for each in waiting if _name(each) in first]
    return tuple(chosen)


def expected_of(
    candidates: Sequence[RacingJob],
    learned: Sequence[RacingJob],
    features: Mapping[Network, NetworkFeatures],
    deviation: float,
    elsewhere: Mapping[Precision, Sequence[Elsewhere]] = MappingProxyType({}),
) -> dict[str, Prior]:
    """What is expected of jobs that were not measured, by id; nothing of what is not predicted.

    One that an earlier sweep measured is expected to take what it took then.

    Args:
        candidates: of the race.
        learned: what earlier sweeps measured on the device, the oldest first.
        features: of networks that have any.
        deviation: standard deviation between processes of one candidate, on the logarithm.
        elsewhere: what networks took on other devices, by `network_name`: of each precision the
            settings that tell of it.
    """
    those_of = _by_setting(candidates, features)
    known: defaultdict[Setting, dict[str, float]] = defaultdict(dict)
    does: dict[str, NetworkFeatures] = {}
    for jobs in (_by_setting(learned, features), those_of):
        for setting, those in jobs.items():
            if setting is not None:
                does |= {_name(e): f for e in those if (f := _features(e, features))}
                # The first process: what others tell moves no prediction, which is then not made
                # anew after each round.
                known[setting] |= {_name(e): e.medians_ms[0] for e in those if e.medians_ms}
    # Costs are learned elsewhere of networks that do not race, too.
    every = {network_name(network): found for network, found in features.items()} | does
    found: dict[str, Prior] = {}
    for setting, those in those_of.items():
        if setting is None:
            continue
        missing = {
            _name(each): each.job_id for each in those if not each.has_ended and not each.medians_ms
        }
        before = {name: known[setting][name] for name in missing if name in known[setting]}
        for name, median_ms in before.items():
            prior = Prior(median_ms=median_ms, deviation=max(deviation, ANOTHER_DAY))
            found[missing[name]] = prior
        wanted = tuple(sorted(missing.keys() - before.keys()))
        others = elsewhere.get(setting.precision, ())
        counted = every if others else does
        told = _told(
            _sorted(known[setting]),
            wanted,
            (*_elsewhere(setting, known), *_alike(others, known[setting], counted.keys())),
            _coarse(deviation),
            tuple(sorted(counted.items(), key=itemgetter(0))),
        )
        for each in told.predicted:
            found[missing[each.backbone]] = predicted_prior(each, len(known[setting]))
    return found


# The same in each runtime, with each number of threads and on each device of a sweep; and as a race
# is written, which must not take long, the same as when it was planned.
@lru_cache(maxsize=32)
def _first(
    networks: tuple[tuple[str, NetworkFeatures], ...], count: int, measured: tuple[str, ...]
) -> frozenset[str]:
    return frozenset(first_backbones(dict(networks), count, measured=measured))


# A prediction takes a second, and a race asks again after each round. Other races go on beside it.
@lru_cache(maxsize=64)
def _told(
    known: _Figures,
    wanted: tuple[str, ...],
    elsewhere: tuple[tuple[str, _Figures], ...],
    deviation: float,
    network_features: tuple[tuple[str, NetworkFeatures], ...],
) -> Prediction:
    if not wanted:
        return Prediction()
    return predict(
        PredictionQuestion(
            known=[KnownFigure(backbone=n, value=ms, spread=deviation) for n, ms in known],
            wanted=wanted,
            features=dict(network_features),
            elsewhere=[Elsewhere(setting=name, values=dict(told)) for name, told in elsewhere],
        )
    )


def _elsewhere(
    setting: Setting, known: Mapping[Setting, Mapping[str, float]]
) -> tuple[tuple[str, _Figures], ...]:
    others = [
        (str(other), _sorted(figures))
        for other, figures in known.items()
        if figures and tells_of(other.precision, setting.precision)
    ]
    return tuple(sorted(other for other in others if other[0] != str(setting)))


def _alike(
    elsewhere: Sequence[Elsewhere], known: Mapping[str, float], featured: Set[str]
) -> tuple[tuple[str, _Figures], ...]:
    """The settings of other devices that are most like one, by what is known of that."""
    here = [KnownFigure(backbone=name, value=ms) for name, ms in sorted(known.items())]
    alike = most_alike(elsewhere, here, featured, _MOST_DEVICES_TOLD)
    return tuple((each.setting, _sorted(each.values)) for each in alike)


def _sorted(figures: Mapping[str, float]) -> _Figures:
    return tuple(sorted(figures.items()))


def _coarse(deviation: float) -> float:
    """In steps of 1 %: what a few processes more tell of it moves no prediction."""
    return math.ceil(deviation * 100) / 100


def _by_setting(
    jobs: Sequence[RacingJob], features: Mapping[Network, NetworkFeatures]
) -> Mapping[Setting | None, list[RacingJob]]:
    """Jobs by setting; under None those that nothing tells of."""
    found: defaultdict[Setting | None, list[RacingJob]] = defaultdict(list)
    for each in jobs:
        found[_setting(each) if _features(each, features) else None].append(each)
    return found


def _features(
    job: RacingJob, features: Mapping[Network, NetworkFeatures]
) -> NetworkFeatures | None:
    return None if job.input_size is None else features.get((job.backbone, job.input_size))


# The same text for all settings of all devices, of which a race keeps many.
@lru_cache(maxsize=4_096)
def network_name(network: Network) -> str:
    """What a network is called among those that are told of."""
    backbone, input_size = network
    return f"{backbone} {input_size}"


def _name(job: RacingJob) -> str:
    return f"{job.backbone} {job.input_size}"


def _setting(job: RacingJob) -> Setting | None:
    """What tells of a job; None where that is nothing.

    Predictions are of one image, and of what is made of a backbone: how somebody else quantised a
    model tells nothing of others.
    """
    told = job.settings
    is_plain = job.precision in MADE_PRECISIONS and job.batch == 1
    if told is None or not is_plain or told.sustained_minutes or told.paced_fps:
        return None
    return Setting(
        runtime=told.runtime,
        threads=told.threads,
        target=job.target,
        cores=told.cores,
        flush_denormals=told.flush_denormals,
        onnxruntime=told.onnxruntime,
        precision=job.precision,
    )
