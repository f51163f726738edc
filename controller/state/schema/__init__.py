"""The tables. Migrations in `migrations/` build them; a test holds that both say the same.

Columns speak the domain: what is put in and comes back is an enum's member, a dataclass or samples.
In the database they are texts, JSON and bytes, and to a migration no more than that.
"""

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    false,
)

from controller.domain.access import CallerKind
from controller.domain.devices import DeviceCondition, DeviceEventKind
from controller.domain.jobs import AttemptState, JobState, TurnState
from controller.domain.measurements import LatencyFigures, MemoryFigures, MinuteFigures, Verdict
from controller.domain.sweeps import SweepPhase, SweepSpec
from controller.state.schema.base import REVISION_TABLE, metadata
from controller.state.schema.catalog import accuracies, backbones, own_models
from controller.state.schema.columns import Document, Member, Samples, Sides
from models.catalog.precisions import Precision
from models.catalog.variants import CheckedThrough, Format, Target, WeightsKind
from protos.device import DeviceProfile, DeviceState
from protos.measuring import MeasureSettings, OperatorTimes, ProcessMemory, StopReason
from protos.reasons import Reason

__all__ = [
    "REVISION_TABLE",
    "accuracies",
    "artifacts",
    "attempts",
    "backbones",
    "courses",
    "device_events",
    "device_spreads",
    "device_standings",
    "devices",
    "jobs",
    "measurements",
    "metadata",
    "own_models",
    "profiles",
    "repetitions",
    "replaced_agents",
    "reused_jobs",
    "sweep_counts",
    "sweeps",
    "turns",
]

devices = Table(
    "devices",
    metadata,
    Column("device_id", String, primary_key=True),
    # What its agent calls itself to us: the device's id, until another agent takes it over.
    Column("agent_id", String, nullable=False, unique=True),
    Column("name", String, nullable=False),
    # What its agent calls itself: a person may have renamed the device since.
    Column("agent_name", String, nullable=False),
    Column("labels", JSON, nullable=False),
    Column("profile", Document(DeviceProfile), nullable=False),
    Column("enrolled_at_unix_ms", BigInteger, nullable=False),
    Column("last_seen_at_unix_ms", BigInteger, nullable=False),
    # Of one that a person removed: its measurements stay, its name is free.
    Column("removed_at_unix_ms", BigInteger),
)
_IS_THERE = devices.c.removed_at_unix_ms.is_(None)
Index(
    "uq_devices_name",
    devices.c.name,
    unique=True,
    sqlite_where=_IS_THERE,
    postgresql_where=_IS_THERE,
)

# Of devices of which there is something to say; the others take jobs.
device_standings = Table(
    "device_standings",
    metadata,
    Column("device_id", String, ForeignKey("devices.device_id"), primary_key=True),
    Column("condition", Member(DeviceCondition), nullable=False, index=True),
    Column("since_unix_ms", BigInteger),
    Column("caller", Member(CallerKind)),
    Column("caller_name", String, nullable=False),
    Column("reasons", Document(tuple[Reason, ...]), nullable=False),
    # Counted in step with what ends there.
    Column("unreported", Integer, nullable=False),
    Column("failing_backbones", Document(tuple[str, ...]), nullable=False),
)

# What befell devices, in order.
device_events = Table(
    "device_events",
    metadata,
    Column("event_id", Integer, primary_key=True),
    Column("device_id", String, ForeignKey("devices.device_id"), nullable=False),
    Column("at_unix_ms", BigInteger, nullable=False),
    Column("kind", Member(DeviceEventKind), nullable=False),
    Column("caller", Member(CallerKind)),
    Column("caller_name", String, nullable=False),
    # Of one that was renamed.
    Column("name", String, nullable=False),
    Column("former_name", String, nullable=False),
    Column("reasons", Document(tuple[Reason, ...]), nullable=False),
    Index("ix_device_events_device_id_event_id", "device_id", "event_id"),
    # A number that was given is never given again, so that what is newer has a higher one.
    sqlite_autoincrement=True,
)

# Agents whose device another agent took over.
replaced_agents = Table(
    "replaced_agents",
    metadata,
    Column("agent_id", String, primary_key=True),
    Column("device_id", String, ForeignKey("devices.device_id"), nullable=False),
)

# One row a conversion; two conversions may give the same bytes, so the digest is not unique.
artifacts = Table(
    "artifacts",
    metadata,
    Column("conversion_key", String, primary_key=True),
    Column("sha256", String, nullable=False, index=True),
    Column("size_bytes", BigInteger, nullable=False),
    Column("backbone", String, nullable=False),
    Column("format", Member(Format), nullable=False),
    Column("precision", Member(Precision), nullable=False),
    Column("target", Member(Target), nullable=False),
    Column("input_size", Sides(), nullable=False),
    Column("batch", Integer, nullable=False),
    Column("weights", Member(WeightsKind), nullable=False),
    Column("weights_digest", String, nullable=False),
    Column("weights_source", String, nullable=False),
    Column("max_relative_difference", Float, nullable=False),
    Column("parity_tolerance", Float, nullable=False),
    Column("parity_input_count", Integer, nullable=False),
    Column("checked_through", Member(CheckedThrough), nullable=False),
    Column("top1_agreement", Float),
    Column("passes", Document(tuple[str, ...]), nullable=False),
    Column("tool_versions", JSON, nullable=False),
    Column("seconds", Float, nullable=False),
    Column("created_at_unix_ms", BigInteger, nullable=False),
    # Of an ONNX file.
    Column("ir_version", Integer),
    Column("opset", Integer),
)

sweeps = Table(
    "sweeps",
    metadata,
    Column("sweep_id", String, primary_key=True),
    Column("spec", Document(SweepSpec), nullable=False),
    Column("phase", Member(SweepPhase), nullable=False),
    Column("created_at_unix_ms", BigInteger, nullable=False),
    Column("ended_at_unix_ms", BigInteger),
    Index("ix_sweeps_phase_created_at_unix_ms", "phase", "created_at_unix_ms", "sweep_id"),
)

# How far a sweep is, kept in step with its jobs, turns and measurements. Its turns are those that
# were taken or will be; its outcomes are never fewer, so that each has a number of its own.
_COUNTED = ("variants", "variants_waiting", "turns", "turns_taken", "jobs_with_figures")
sweep_counts = Table(
    "sweep_counts",
    metadata,
    Column("sweep_id", String, ForeignKey("sweeps.sweep_id"), primary_key=True),
    *(Column(state.value, Integer, nullable=False) for state in JobState),
    *(Column(name, Integer, nullable=False) for name in (*_COUNTED, "outcomes")),
)

jobs = Table(
    "jobs",
    metadata,
    Column("job_id", String, primary_key=True),
    Column("sweep_id", String, ForeignKey("sweeps.sweep_id"), nullable=False),
    Column("device_id", String, ForeignKey("devices.device_id"), nullable=False),
    Column("position", Integer, nullable=False),
    Column("backbone", String, nullable=False),
    Column("format", Member(Format), nullable=False),
    Column("precision", Member(Precision), nullable=False),
    Column("target", Member(Target), nullable=False),
    Column("input_size", Sides(), nullable=False),
    Column("batch", Integer, nullable=False),
    Column("settings", Document(MeasureSettings), nullable=False),
    Column("is_sentinel", Boolean, nullable=False, server_default=false()),
    Column("conversion_key", String, ForeignKey("artifacts.conversion_key")),
    Column("state", Member(JobState), nullable=False),
    Index("ix_jobs_sweep_id_state_backbone", "sweep_id", "state", "backbone"),
    Index("ix_jobs_device_id_sweep_id_state", "device_id", "sweep_id", "state"),
)

# Jobs of earlier sweeps whose figures stand for jobs that a sweep does not have.
reused_jobs = Table(
    "reused_jobs",
    metadata,
    Column("sweep_id", String, ForeignKey("sweeps.sweep_id"), primary_key=True),
    Column("job_id", String, ForeignKey("jobs.job_id"), primary_key=True),
    Index("ix_reused_jobs_job_id", "job_id"),
)

# How a sweep stands on a device, kept up with each report.
courses = Table(
    "courses",
    metadata,
    Column("device_id", String, ForeignKey("devices.device_id"), primary_key=True),
    Column("sweep_id", String, ForeignKey("sweeps.sweep_id"), primary_key=True),
    Column("planned_ms", BigInteger, nullable=False),
    # By what was measured before the sweep began; None of a profile.
    Column("expected_ms", BigInteger),
    # What starts waited for together.
    Column("waited_ms", BigInteger, nullable=False),
    Column("sentinel_id", String, ForeignKey("jobs.job_id")),
    # Of the sentinel's readings those that were taken; of turns all, so the next one's place.
    Column("reading_count", Integer, nullable=False),
    Column("turn_count", Integer, nullable=False),
    # Of the deviations between processes: the logarithms' sum of squares, degrees of freedom.
    Column("squares", Float, nullable=False),
    Column("degrees", Integer, nullable=False),
    Column("spent_ms", BigInteger, nullable=False),
    Column("has_repeated", Boolean, nullable=False),
)

# What the courses of a device add up to.
device_spreads = Table(
    "device_spreads",
    metadata,
    Column("device_id", String, ForeignKey("devices.device_id"), primary_key=True),
    Column("squares", Float, nullable=False),
    Column("degrees", Integer, nullable=False),
)

# One row a repetition that is to be taken, was taken, or is not needed any more.
turns = Table(
    "turns",
    metadata,
    Column("job_id", String, ForeignKey("jobs.job_id"), primary_key=True),
    Column("ordinal", Integer, primary_key=True),
    # Those of the job, so that an index finds what is next.
    Column("sweep_id", String, ForeignKey("sweeps.sweep_id"), nullable=False),
    Column("device_id", String, ForeignKey("devices.device_id"), nullable=False),
    # Among those of its sweep on its device.
    Column("place", Integer, nullable=False),
    Column("state", Member(TurnState), nullable=False),
    # Readings of the sentinel before it was taken.
    Column("block", Integer),
    Column("median_ms", Float),
    Column("spent_ms", BigInteger, nullable=False),
    Index("ix_turns_device_id_sweep_id_state_place", "device_id", "sweep_id", "state", "place"),
)

# One try at one turn.
attempts = Table(
    "attempts",
    metadata,
    Column("attempt_id", String, primary_key=True),
    Column("job_id", String, ForeignKey("jobs.job_id"), nullable=False, index=True),
    Column("ordinal", Integer, nullable=False),
    # The job's, so that an index finds what is out.
    Column("device_id", String, ForeignKey("devices.device_id"), nullable=False),
    Column("state", Member(AttemptState), nullable=False),
    Column("leased_at_unix_ms", BigInteger, nullable=False),
    Index("ix_attempts_state_device_id", "state", "device_id"),
)

# One row a job that ended; `failed` ones have reasons and no figures.
measurements = Table(
    "measurements",
    metadata,
    Column("measurement_id", String, primary_key=True),
    Column("job_id", String, ForeignKey("jobs.job_id"), nullable=False, unique=True),
    # The job's, and which of the sweep's outcomes it is, from 1.
    Column("sweep_id", String, ForeignKey("sweeps.sweep_id"), nullable=False),
    Column("ordinal", Integer, nullable=False),
    Column("verdict", Member(Verdict), nullable=False),
    Column("reasons", Document(tuple[Reason, ...]), nullable=False),
    Column("runtime_version", String, nullable=False),
    Column("runtime_build", String, nullable=False),
    Column("busy_threads", Integer, nullable=False),
    Column("affinity", Document(tuple[int, ...]), nullable=False),
    Column("latency", Document(LatencyFigures)),
    Column("memory", Document(MemoryFigures)),
    Column("minutes", Document(tuple[MinuteFigures, ...]), nullable=False),
    # By the device's clock, which may be wrong; by the controller's, which decides what is newer.
    Column("measured_at_unix_ms", BigInteger, nullable=False),
    Column("committed_at_unix_ms", BigInteger, nullable=False, index=True),
    Index("ix_measurements_sweep_id_ordinal", "sweep_id", "ordinal", unique=True),
)

# Also of jobs that failed later.
repetitions = Table(
    "repetitions",
    metadata,
    Column("job_id", String, ForeignKey("jobs.job_id"), primary_key=True),
    Column("ordinal", Integer, primary_key=True),
    Column("runtime_version", String, nullable=False),
    Column("runtime_build", String, nullable=False),
    Column("affinity", Document(tuple[int, ...]), nullable=False),
    # By the device's clock.
    Column("taken_at_unix_ms", BigInteger, nullable=False),
    # The sentinel drifted meanwhile, so that figures are derived without it.
    Column("is_suspect", Boolean, nullable=False, server_default=false()),
    Column("latency_ns", Samples, nullable=False),
    Column("warmup_ns", Samples, nullable=False),
    Column("load_ns", BigInteger, nullable=False),
    Column("peak_rss_bytes", BigInteger, nullable=False),
    Column("baseline_rss_bytes", BigInteger, nullable=False),
    Column("pss_bytes", BigInteger),
    Column("busy_threads", Integer, nullable=False),
    Column("stop_reason", Member(StopReason), nullable=False),
    Column("before", Document(DeviceState)),
    Column("after", Document(DeviceState)),
    Column("during", Document(tuple[DeviceState, ...]), nullable=False),
    Column("memory", Document(ProcessMemory)),
    Column("samples_per_minute", Document(tuple[int, ...]), nullable=False),
    Column("warmup_settled", Boolean),
    # It started although this was in the way.
    Column("started_unready", Document(Reason)),
    Column("waited_ms", BigInteger, nullable=False),
)

# One row a job that is to profile, from its beginning: it gives no measurement. Figures and trace
# come when it has ended, or the reasons why there are none.
profiles = Table(
    "profiles",
    metadata,
    Column("job_id", String, ForeignKey("jobs.job_id"), primary_key=True),
    Column("reasons", Document(tuple[Reason, ...])),
    Column("runtime_version", String),
    Column("runtime_build", String),
    Column("affinity", Document(tuple[int, ...])),
    Column("times", Document(OperatorTimes)),
    Column("trace_gzip", LargeBinary),
    Column("profiled_at_unix_ms", BigInteger),
    Column("committed_at_unix_ms", BigInteger),
    Column("started_unready", Document(Reason)),
)
