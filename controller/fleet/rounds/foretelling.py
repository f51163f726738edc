"""What is predicted of jobs when their first process is ordered: judged once they were measured.

A race predicts its candidates anew after each round. Of the jobs of other sweeps, and of those that
a race begins with, that counts which was last told of their device, if anything was: nothing is
predicted to be judged alone.
"""

import threading
from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from controller.domain.jobs import PlannedJob
from controller.domain.rankings.predictions import CONFIDENCE, Foretold, Predicted
from controller.ranking.prediction.evidence import is_predicted
from controller.ranking.racing.beliefs import Prior
from models.catalog.catalog import Backbone
from models.catalog.precisions import Precision
from protos.runtimes import Runtime

# Settings of devices of which is remembered what was last told: some 70 KB each.
_MOST_SETTINGS: Final = 128


@dataclass(frozen=True, kw_only=True)
class PredictedPrior(Prior):
    """An expectation that the model made, and that is to be judged; others are no predictions.

    Attributes:
        foretold: what it said.
    """

    foretold: Foretold


def predicted_prior(predicted: Predicted, known_count: int) -> PredictedPrior:
    """The expectation that a prediction is, made with the usual confidence.

    Args:
        predicted: in ms.
        known_count: how many backbones were measured in the setting.
    """
    return PredictedPrior(
        median_ms=predicted.value,
        deviation=predicted.deviation,
        degrees=predicted.degrees,
        foretold=foretold(predicted, known_count),
    )


def foretold(predicted: Predicted, known_count: int) -> Foretold:
    """What is kept of a prediction, in ms, that was made with the usual confidence."""
    return Foretold(
        median_ms=predicted.value,
        low_ms=predicted.low,
        high_ms=predicted.high,
        confidence=CONFIDENCE,
        known_count=known_count,
    )


def foretold_of(order: Iterable[str], expected: Mapping[str, Prior]) -> dict[str, Foretold]:
    """What is predicted of jobs that are ordered, by id: of those that have no process by now.

    Args:
        order: ids of jobs.
        expected: what is expected of those that were not measured, by id.
    """
    priors = {job_id: expected.get(job_id) for job_id in order}
    return {
        job_id: prior.foretold
        for job_id, prior in priors.items()
        if isinstance(prior, PredictedPrior)
    }


class Where(NamedTuple):
    """A setting of a device, by its id, of which something is predicted."""

    device_id: str
    runtime: Runtime
    threads: int
    precision: Precision = Precision.FP32


class LastTold:
    """What was last predicted on devices; for threads."""

    def __init__(self) -> None:
        self._told: OrderedDict[Where, dict[str, Foretold]] = OrderedDict()
        self._lock = threading.Lock()

    def put(self, where: Where, predicted: Iterable[Predicted], known_count: int) -> None:
        """Remembers what is predicted in a setting, in the place of what was before.

        Args:
            where: the setting.
            predicted: with the usual confidence, in ms.
            known_count: how many backbones are measured there.
        """
        told = {each.backbone: foretold(each, known_count) for each in predicted}
        with self._lock:
            self._told[where] = told
            self._told.move_to_end(where)
            while len(self._told) > _MOST_SETTINGS:
                self._told.popitem(last=False)

    def told_of(
        self, planned: Sequence[PlannedJob], catalog: Iterable[Backbone]
    ) -> dict[PlannedJob, Foretold]:
        """What was last predicted of jobs that are to be measured, of those that it is of.

        It stays told: a sweep may not begin, or be cancelled, and another one measures the same. A
        prediction is judged but once.

        Args:
            planned: the jobs.
            catalog: all that there is of backbones.
        """
        with self._lock:
            told = dict(self._told)
        found: dict[PlannedJob, Foretold] = {}
        # Of a million jobs nearly none is where anything was told.
        if not told:
            return found
        by_name = {each.name: each for each in catalog}
        for job in planned:
            where = Where(
                job.device_id,
                job.settings.runtime,
                job.settings.threads,
                job.variant.precision,
            )
            its = told.get(where, {}).get(job.variant.backbone)
            if its and not job.is_sentinel and is_predicted(job.variant, job.settings, by_name):
                found[job] = its
        return found
