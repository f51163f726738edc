"""Plans sweeps beside what there is: files, figures of before, and how long measuring took."""

from collections.abc import Collection, Mapping, Sequence

from controller.conversions.stored import Shelf
from controller.domain.devices import Device
from controller.domain.jobs import PlannedJob, SweepPlan
from controller.domain.rankings.predictions import Foretold
from controller.domain.sweeps import SweepSpec
from controller.fleet.rounds.foretelling import LastTold
from controller.fleet.rounds.networks import known_networks
from controller.state.artifacts import made_needs
from controller.state.catalog.accuracy import top1_by_precision
from controller.state.catalog.own_models import list_own_models
from controller.state.database import Database
from controller.state.rounds.history import earlier_figures, estimates_held, measuring_times
from controller.sweeps.planning import plan_sweep
from controller.sweeps.possible.known_files import KnownFiles
from controller.sweeps.prospects.enough_time import check_time, first_round
from controller.sweeps.prospects.estimating import History, history_of
from controller.sweeps.prospects.preview import estimates, preview
from controller.sweeps.prospects.prospect import Prospect
from controller.sweeps.prospects.racers import AskedNow
from controller.sweeps.prospects.reuse import begun_before, measured_before
from models.catalog.catalog import Catalog
from models.catalog.onnx_versions import OnnxVersions
from models.catalog.variants import WeightsKind


class Planner:
    """Plans sweeps and starts none.

    Attributes:
        last_told: what was predicted of what is planned; who predicts remembers it there.
    """

    def __init__(self, shelf: Shelf, catalog: Catalog) -> None:
        self.last_told = LastTold()
        self._shelf = shelf
        self._database = shelf.database
        self._catalog = catalog

    def prospect(self, spec: SweepSpec, devices: Sequence[Device]) -> Prospect:
        """A sweep that may be started; with `spec.fresh`, no figure of before stands for a job.

        Raises:
            EdgerankError: the plan cannot hold (see `plan_sweep`).
        """
        needs = known_files(self._database, spec.backbones)
        is_race = spec.race is not None
        ranked = top1_by_precision(self._database, self._catalog).keys() if is_race else ()
        plan = plan_sweep(spec, devices, self._catalog, needs, ranked)
        variants = dict.fromkeys(job.variant for job in plan.jobs if not job.is_sentinel)
        files = self._shelf.made_files(variants, spec.weights, self._catalog)
        sha256s = {variant: file.sha256 for variant, file in files.items()}
        measuring = {} if spec.fresh else dict.fromkeys(job.device_id for job in plan.jobs)
        earlier = tuple(earlier_figures(self._database, measuring, set(sha256s.values())))
        asked = AskedNow(spec, self._catalog)
        standing = measured_before(plan.jobs, asked, devices, sha256s, earlier)
        begun = begun_before(plan.jobs, asked, devices, sha256s, earlier)
        return Prospect(plan, standing, files, tuple(devices), begun)

    def foretold(self, planned: Sequence[PlannedJob]) -> Mapping[PlannedJob, Foretold]:
        """What was last predicted of jobs that are to be measured."""
        return self.last_told.told_of(planned, self._catalog)

    def preview(self, spec: SweepSpec, devices: Sequence[Device], *, with_jobs: bool) -> SweepPlan:
        """What a sweep would measure, and how long that would take.

        Raises:
            EdgerankError: the plan cannot hold (see `plan_sweep`).
        """
        prospect = self.prospect(spec, devices)
        sentinels = {job.variant for job in prospect.to_measure if job.is_sentinel}
        # Sentinels have synthetic weights whatever the others have.
        of_sentinels = self._shelf.made_files(sentinels, WeightsKind.SYNTHETIC, self._catalog)
        history = self._history(spec, prospect)
        return preview(spec, prospect, of_sentinels, history, with_jobs=with_jobs)

    def expected_ms(self, spec: SweepSpec, prospect: Prospect) -> Mapping[str, int]:
        """How long each device is expected to measure, by its id, ms."""
        found = estimates(spec, prospect, self._history(spec, prospect))
        return {device_id: each.expected_ms for device_id, each in found.items()}

    def check_time(self, spec: SweepSpec, prospect: Prospect) -> None:
        """Refuses a race whose time does not hold its first round.

        Raises:
            EdgerankError: OUT_OF_RANGE.
        """
        if spec.race is None or spec.time_ms is None:
            return
        first = first_round(prospect, self._catalog, known_networks(self._database))
        check_time(spec.time_ms, first, self.expected_ms(spec, first))

    def _history(self, spec: SweepSpec, prospect: Prospect) -> History:
        times = measuring_times(self._database, spec.backbones)
        return history_of(times, estimates_held(self._database, prospect.by_device.keys()))


def known_files(database: Database, backbones: Collection[str]) -> KnownFiles:
    """What the files of backbones need, as far as that is stored."""
    return KnownFiles(
        made=made_needs(database, backbones),
        own={
            model.name: OnnxVersions(model.ir_version, model.opset)
            for model in list_own_models(database)
            if model.ir_version is not None and model.opset is not None
        },
    )
