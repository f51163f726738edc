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
    String,
    Table,
    false,
)

from controller.domain.jobs import AttemptState, JobState, TurnState
from controller.domain.sweeps import StartedSweep, SweepPhase, SweepSpec
from controller.state.schema.base import REVISION_TABLE, metadata
from controller.state.schema.catalog import accuracies, backbones, network_counts, own_models
from controller.state.schema.columns import Document, Member, SharedDocument, Sides
from controller.state.schema.devices import (
    device_events,
    device_standings,
    devices,
    replaced_agents,
)
from controller.state.schema.measured import (
    candidates,
    earlier_predictions,
    imports,
    kept_figures,
    measurements,
    profiles,
    repetitions,
)
from models.catalog.precisions import Precision
from models.catalog.variants import CheckedThrough, Format, Target, WeightsKind
from protos.measuring import MeasureSettings
from protos.reasons import Reason

__all__ = [
    "REVISION_TABLE",
    "accuracies",
    "artifacts",
    "attempts",
    "backbones",
    "candidates",
    "continued_jobs",
    "courses",
    "device_events",
    "device_spreads",
    "device_standings",
    "devices",
    "earlier_predictions",
    "imports",
    "jobs",
    "kept_figures",
    "measurements",
    "metadata",
    "network_counts",
    "own_models",
    "profiles",
    "repetitions",
    "replaced_agents",
    "reused_jobs",
    "servings",
    "start_requests",
    "sweep_counts",
    "sweeps",
    "turns",
]

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
    # Its index is all that is read to tell whether any file changed.
    Column("created_at_unix_ms", BigInteger, nullable=False, index=True),
    # Of an ONNX file.
    Column("ir_version", Integer),
    Column("opset", Integer),
    # Of a Paddle Lite file.
    Column("operators", Document(tuple[str, ...]), nullable=False),
    # What devices compare its outputs with, and how far these may be apart; of none where nobody
    # compares.
    Column("reference_sha256", String, index=True),
    Column("reference_size_bytes", BigInteger),
    Column("output_tolerance", Float),
)

sweeps = Table(
    "sweeps",
    metadata,
    Column("sweep_id", String, primary_key=True),
    Column("spec", SharedDocument(SweepSpec), nullable=False),
    Column("phase", Member(SweepPhase), nullable=False),
    Column("created_at_unix_ms", BigInteger, nullable=False),
    Column("ended_at_unix_ms", BigInteger),
    # The token of who started it; empty where nobody is asked for one.
    Column("started_by", String, nullable=False),
    # What no device does of what was asked for.
    Column("left_out", SharedDocument(tuple[Reason, ...]), nullable=False),
    # The one whose undone jobs are its; one sweep is retried by one.
    Column("retry_of", String, unique=True),
    # Of one that gives out no turns: the token of who paused it, as above, and when; else none.
    Column("paused_by", String),
    Column("paused_at_unix_ms", BigInteger),
    # What its spec says, so that an index finds the most urgent one: the priority, less first, and
    # the deadline, or what is later than any.
    Column("rank", Integer, nullable=False),
    Column("due_unix_ms", BigInteger, nullable=False),
    Index(
        "ix_sweeps_urgency",
        *("ended_at_unix_ms", "rank", "started_by", "due_unix_ms"),
        *("created_at_unix_ms", "sweep_id"),
    ),
)

# Under which id a sweep was asked for, as it was asked then, and what was answered: who asks again
# is answered the same.
start_requests = Table(
    "start_requests",
    metadata,
    Column("request_id", String, primary_key=True),
    Column("sweep_id", String, ForeignKey("sweeps.sweep_id"), nullable=False),
    Column("spec", SharedDocument(SweepSpec), nullable=False),
    # Of a profile, how many inferences.
    Column("profile_runs", Integer),
    Column("answer", Document(StartedSweep), nullable=False),
)

# Whose sweep a device last took a turn of, where several people's were as urgent; numbers grow.
servings = Table(
    "servings",
    metadata,
    Column("device_id", String, ForeignKey("devices.device_id"), primary_key=True),
    Column("person", String, primary_key=True),
    Column("number", Integer, nullable=False),
)

# How far a sweep is, kept in step with its jobs, turns and measurements. Its turns are those that
# were taken or will be; its outcomes and takings are never fewer, so that each has a number of its
# own.
_COUNTED = ("variants", "variants_waiting", "turns", "turns_taken", "jobs_with_figures")
sweep_counts = Table(
    "sweep_counts",
    metadata,
    Column("sweep_id", String, ForeignKey("sweeps.sweep_id"), primary_key=True),
    *(Column(state.value, Integer, nullable=False) for state in JobState),
    *(Column(name, Integer, nullable=False) for name in (*_COUNTED, "outcomes", "takings")),
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
    Column("settings", SharedDocument(MeasureSettings), nullable=False),
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

# Jobs of earlier sweeps whose processes count on for a job of a race, which was not decided then.
continued_jobs = Table(
    "continued_jobs",
    metadata,
    Column("job_id", String, ForeignKey("jobs.job_id"), primary_key=True),
    Column("earlier_job_id", String, ForeignKey("jobs.job_id"), primary_key=True),
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
    # Candidates that may still change the answer of a race; None before its first round ended.
    Column("still_racing", Integer),
    Index("ix_courses_sweep_id", "sweep_id"),
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
    # Which of the sweep's turns that were taken it is, from 1.
    Column("taken_number", Integer),
    # Readings of the sentinel before it was taken.
    Column("block", Integer),
    Column("median_ms", Float),
    Column("spent_ms", BigInteger, nullable=False),
    Index("ix_turns_device_id_sweep_id_state_place", "device_id", "sweep_id", "state", "place"),
)
_IS_TAKEN = turns.c.taken_number.is_not(None)
Index(
    "ix_turns_sweep_id_taken_number",
    *(turns.c.sweep_id, turns.c.taken_number),
    sqlite_where=_IS_TAKEN,
    postgresql_where=_IS_TAKEN,
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
