"""The tables. Migrations in `migrations/` build them; a test holds that both say the same."""

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
    MetaData,
    String,
    Table,
    false,
)

# Where Alembic keeps a database's revision. The name is ours: databases of before the first release
# have Alembic's own, and revisions of the same numbers that mean something else.
REVISION_TABLE = "schema_revision"

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)

backbones = Table(
    "backbones",
    metadata,
    Column("name", String, primary_key=True),
    Column("series", String, nullable=False),
    Column("params_m", Float),
    Column("flops_g", Float),
)

# Accuracy belongs to a dataset, a metric and the precision that it was published for.
accuracies = Table(
    "accuracies",
    metadata,
    Column("backbone", String, primary_key=True),
    Column("dataset", String, primary_key=True),
    Column("metric", String, primary_key=True),
    Column("precision", String, primary_key=True),
    Column("value_percent", Float, nullable=False),
    Column("source", String, nullable=False),
    # None for what the catalog publishes, which each start of a controller writes anew.
    Column("imported_at_unix_ms", BigInteger),
)

# Models that people added; their files are in a folder named by the digest.
own_models = Table(
    "own_models",
    metadata,
    Column("name", String, primary_key=True),
    Column("format", String, nullable=False),
    Column("digest", String, nullable=False),
    Column("size_bytes", BigInteger, nullable=False),
    Column("input_size", Integer, nullable=False),
    Column("params_m", Float, nullable=False),
    Column("output_shapes", JSON, nullable=False),
    Column("added_at_unix_ms", BigInteger, nullable=False),
)

devices = Table(
    "devices",
    metadata,
    Column("device_id", String, primary_key=True),
    Column("name", String, nullable=False, unique=True),
    Column("labels", JSON, nullable=False),
    Column("profile", JSON, nullable=False),
    Column("enrolled_at_unix_ms", BigInteger, nullable=False),
    Column("last_seen_at_unix_ms", BigInteger, nullable=False),
)

# One row a conversion; two conversions may give the same bytes, so the digest is not unique.
artifacts = Table(
    "artifacts",
    metadata,
    Column("conversion_key", String, primary_key=True),
    Column("sha256", String, nullable=False, index=True),
    Column("size_bytes", BigInteger, nullable=False),
    Column("backbone", String, nullable=False),
    Column("format", String, nullable=False),
    Column("precision", String, nullable=False),
    Column("target", String, nullable=False),
    Column("input_size", Integer, nullable=False),
    Column("batch", Integer, nullable=False),
    Column("weights", String, nullable=False),
    Column("weights_digest", String, nullable=False),
    Column("weights_source", String, nullable=False),
    Column("max_relative_difference", Float, nullable=False),
    Column("parity_tolerance", Float, nullable=False),
    Column("parity_input_count", Integer, nullable=False),
    Column("checked_through", String, nullable=False),
    Column("top1_agreement", Float),
    Column("passes", JSON, nullable=False, server_default="[]"),
    Column("tool_versions", JSON, nullable=False),
    Column("seconds", Float, nullable=False),
    Column("created_at_unix_ms", BigInteger, nullable=False),
)

sweeps = Table(
    "sweeps",
    metadata,
    Column("sweep_id", String, primary_key=True),
    Column("spec", JSON, nullable=False),
    Column("phase", String, nullable=False),
    Column("created_at_unix_ms", BigInteger, nullable=False),
    Column("ended_at_unix_ms", BigInteger),
)

jobs = Table(
    "jobs",
    metadata,
    Column("job_id", String, primary_key=True),
    Column("sweep_id", String, ForeignKey("sweeps.sweep_id"), nullable=False),
    Column("device_id", String, ForeignKey("devices.device_id"), nullable=False),
    Column("position", Integer, nullable=False),
    Column("backbone", String, nullable=False),
    Column("format", String, nullable=False),
    Column("precision", String, nullable=False),
    Column("target", String, nullable=False),
    Column("input_size", Integer, nullable=False),
    Column("batch", Integer, nullable=False),
    Column("settings", JSON, nullable=False),
    Column("is_sentinel", Boolean, nullable=False, server_default=false()),
    Column("conversion_key", String, ForeignKey("artifacts.conversion_key")),
    Column("state", String, nullable=False),
    Index("ix_jobs_sweep_id_state", "sweep_id", "state"),
    Index("ix_jobs_device_id_state", "device_id", "state"),
)

# One row a repetition that is to be taken, was taken, or is not needed any more.
turns = Table(
    "turns",
    metadata,
    Column("job_id", String, ForeignKey("jobs.job_id"), primary_key=True),
    Column("ordinal", Integer, primary_key=True),
    # Among those of its sweep on its device.
    Column("place", Integer, nullable=False),
    Column("state", String, nullable=False),
    # Readings of the sentinel before it was taken.
    Column("block", Integer),
    # Of a sentinel: the median's 95 % interval.
    Column("low_ms", Float),
    Column("high_ms", Float),
    Index("ix_turns_state_place", "state", "place"),
)

# One try at one turn.
attempts = Table(
    "attempts",
    metadata,
    Column("attempt_id", String, primary_key=True),
    Column("job_id", String, ForeignKey("jobs.job_id"), nullable=False, index=True),
    Column("ordinal", Integer, nullable=False),
    Column("state", String, nullable=False),
    Column("leased_at_unix_ms", BigInteger, nullable=False),
)

# One row a job that ended; `failed` ones have reasons and no figures.
measurements = Table(
    "measurements",
    metadata,
    Column("measurement_id", String, primary_key=True),
    Column("job_id", String, ForeignKey("jobs.job_id"), nullable=False, unique=True),
    Column("verdict", String, nullable=False),
    Column("reasons", JSON, nullable=False),
    Column("runtime_version", String, nullable=False),
    Column("runtime_build", String, nullable=False),
    Column("busy_threads", Integer, nullable=False),
    Column("affinity", JSON, nullable=False),
    Column("latency", JSON),
    Column("memory", JSON),
    Column("minutes", JSON),
    # By the device's clock, which may be wrong; by the controller's, which decides what is newer.
    Column("measured_at_unix_ms", BigInteger, nullable=False),
    Column("committed_at_unix_ms", BigInteger, nullable=False, index=True),
)

# How raw samples are packed, as numpy names it: little-endian unsigned 64-bit integers.
SAMPLE_TYPE = "<u8"

# Raw samples, kept for good, in the order they were taken; also of jobs that failed later.
repetitions = Table(
    "repetitions",
    metadata,
    Column("job_id", String, ForeignKey("jobs.job_id"), primary_key=True),
    Column("ordinal", Integer, primary_key=True),
    Column("runtime_version", String, nullable=False),
    Column("runtime_build", String, nullable=False),
    Column("affinity", JSON, nullable=False),
    # By the device's clock.
    Column("taken_at_unix_ms", BigInteger, nullable=False),
    # The sentinel drifted meanwhile, so that figures are derived without it.
    Column("is_suspect", Boolean, nullable=False, server_default=false()),
    Column("latency_ns", LargeBinary, nullable=False),
    Column("warmup_ns", LargeBinary, nullable=False),
    Column("load_ns", BigInteger, nullable=False),
    Column("peak_rss_bytes", BigInteger, nullable=False),
    Column("baseline_rss_bytes", BigInteger, nullable=False),
    Column("pss_bytes", BigInteger),
    Column("busy_threads", Integer, nullable=False),
    Column("stop_reason", String, nullable=False),
    Column("before", JSON),
    Column("after", JSON),
    Column("during", JSON),
    Column("memory", JSON),
    Column("samples_per_minute", JSON),
    Column("warmup_settled", Boolean),
)

# One row a job that is to profile, from its beginning: it gives no measurement. Figures and trace
# come when it has ended, or the reasons why there are none.
profiles = Table(
    "profiles",
    metadata,
    Column("job_id", String, ForeignKey("jobs.job_id"), primary_key=True),
    Column("reasons", JSON),
    Column("runtime_version", String),
    Column("runtime_build", String),
    Column("affinity", JSON),
    Column("times", JSON),
    Column("trace_gzip", LargeBinary),
    Column("profiled_at_unix_ms", BigInteger),
    Column("committed_at_unix_ms", BigInteger),
)
