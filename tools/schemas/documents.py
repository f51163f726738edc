"""Which document is of which dataclass.

What stands in one for a dataclass that is not printed as it is, `controller.views.documents` says.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from controller.domain.access import AuditEntry
from controller.domain.catalog import Dataset, OwnModel
from controller.domain.comparisons import Comparison
from controller.domain.conversions import ConversionOutcome
from controller.domain.devices import Device, DeviceEvent
from controller.domain.jobs import SweepPlan
from controller.domain.measurements import Measurement
from controller.domain.rankings import Ranking
from controller.domain.rankings.beside import RankingBeside
from controller.domain.rankings.explanations import Explanations
from controller.domain.rankings.finding import Found
from controller.domain.rankings.fleet import FleetRanking
from controller.domain.rankings.on_device import BackbonesOnDevice
from controller.domain.rankings.predicted import DevicePredictions
from controller.domain.rankings.reference import Reference
from controller.domain.rankings.survey import Survey
from controller.domain.rankings.tuning import Tuning
from controller.domain.sweeps import SweepSnapshot, SweepSummary
from controller.views.operator_times import ProfileSummary
from models.catalog.catalog import Backbone
from models.catalog.tiers import TierSelection
from protos.checks import Finding

DOCUMENTS: Final[Mapping[str, Any]] = MappingProxyType(
    {
        "comparison": Comparison,
        "conversion": tuple[ConversionOutcome, ...],
        "datasets": tuple[Dataset, ...],
        "device_history": tuple[DeviceEvent, ...],
        "devices": tuple[Device, ...],
        "measurement": Measurement,
        "models": tuple[Backbone, ...],
        "operating/audit": tuple[AuditEntry, ...],
        "operating/doctor": tuple[Finding, ...],
        "own_models": tuple[OwnModel, ...],
        "plan": SweepPlan,
        "profile": ProfileSummary,
        "rankings/predictions": DevicePredictions,
        "rankings/on_device": BackbonesOnDevice,
        "ranking": Ranking,
        "rankings/explanations": Explanations,
        "rankings/fleet_ranking": FleetRanking,
        "rankings/found": Found,
        "rankings/ranking_beside": RankingBeside,
        "rankings/reference": Reference,
        "rankings/survey": Survey,
        "rankings/tuning": Tuning,
        "sweep": SweepSnapshot,
        "sweeps": tuple[SweepSummary, ...],
        "tier": TierSelection,
    }
)
"""By the name of the schema: a dataclass, or a tuple of as many as there are."""
