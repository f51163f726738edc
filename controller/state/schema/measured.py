"""Tables of what was measured."""

from sqlalchemy import (
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
    true,
)

from controller.domain.measurements import (
    DelegationFigures,
    EnergyFigures,
    LatencyFigures,
    MemoryFigures,
    MinuteFigures,
    OutputFigures,
    PacedFigures,
    Verdict,
)
from controller.domain.rankings.rows import PEAKS, TIMES
from controller.state.schema.base import metadata
from controller.state.schema.columns import (
    Document,
    FigureDocument,
    Member,
    Samples,
    SharedDocument,
    Sides,
)
from models.catalog.precisions import Precision
from models.catalog.variants import Format, Target
from protos.device import DeviceState
from protos.measuring import (
    AveragedRuns,
    MeasureSettings,
    OperatorTimes,
    OutputCheck,
    PacedSamples,
    ProcessMemory,
    ProviderUse,
    StopReason,
)
from protos.reasons import Reason

# What jobs measure, once for all devices: what is measured again of a candidate on a device stands
# for what was measured before. Kept with the first measurement of it, and never changed.
candidates = Table(
    "candidates",
    metadata,
    Column("candidate_id", Integer, primary_key=True),
    # The conversion of its file; where a job ended without one, the sweep, which says of which
    # weights it would have been.
    Column("made_of", String, nullable=False),
    Column("backbone", String, nullable=False),
    Column("format", Member(Format), nullable=False),
    Column("precision", Member(Precision), nullable=False),
    Column("target", Member(Target), nullable=False),
    Column("input_size", Sides(), nullable=False),
    Column("batch", Integer, nullable=False),
    Column("settings", SharedDocument(MeasureSettings), nullable=False),
    Column("is_sentinel", Boolean, nullable=False),
    Index("ix_candidates_made_of", "made_of", "backbone"),
)

# One row a job that ended; `failed` ones have reasons and no figures.
measurements = Table(
    "measurements",
    metadata,
    Column("measurement_id", String, primary_key=True),
    Column("job_id", String, ForeignKey("jobs.job_id"), nullable=False, unique=True),
    # The job's, so that indexes find what is asked for.
    Column("device_id", String, ForeignKey("devices.device_id"), nullable=False),
    Column("backbone", String, nullable=False),
    Column("position", Integer, nullable=False),
    # Of `candidates`, from which nothing is deleted; no foreign key, since SQLite plans to look at
    # all measurements then when a candidate is added.
    Column("candidate_id", Integer, nullable=False),
    # False where one with the same verdict came later, of the same file in the same settings: no
    # answer to what is best now needs it.
    Column("is_newest", Boolean, nullable=False, server_default=true()),
    # The job's, and which of the sweep's outcomes it is, from 1.
    Column("sweep_id", String, ForeignKey("sweeps.sweep_id"), nullable=False),
    Column("ordinal", Integer, nullable=False),
    # Which of the device's outcomes it is, from 1: the last one tells how many there are.
    Column("device_ordinal", Integer, nullable=False),
    Column("verdict", Member(Verdict), nullable=False),
    Column("reasons", SharedDocument(tuple[Reason, ...]), nullable=False),
    Column("runtime_version", String, nullable=False),
    Column("runtime_build", String, nullable=False),
    Column("busy_threads", Integer, nullable=False),
    Column("affinity", SharedDocument(tuple[int, ...]), nullable=False),
    Column("latency", FigureDocument(LatencyFigures)),
    Column("memory", FigureDocument(MemoryFigures)),
    # Those of both, so that a ranking of thousands reads no document.
    *(Column(name, Float) for name in TIMES),
    *(Column(name, BigInteger) for name in PEAKS),
    Column("outputs", FigureDocument(OutputFigures)),
    Column("minutes", SharedDocument(tuple[MinuteFigures, ...]), nullable=False),
    Column("paced", FigureDocument(PacedFigures)),
    Column("energy", FigureDocument(EnergyFigures)),
    Column("delegation", FigureDocument(DelegationFigures)),
    # By the device's clock, which may be wrong; by the controller's, which decides what is newer.
    # What was imported is as new as its measuring: files may come in any order.
    Column("measured_at_unix_ms", BigInteger, nullable=False),
    Column("committed_at_unix_ms", BigInteger, nullable=False),
    # Of what was imported only, SHA-256 over what was measured: it is known when it comes again.
    Column("content_sha256", String),
    Index("ix_measurements_sweep_id_ordinal", "sweep_id", "ordinal", unique=True),
    Index("ix_measurements_device_id_ordinal", "device_id", "device_ordinal", unique=True),
    # What is imported may have been measured here: that is looked for by its moment.
    Index("ix_measurements_measured_at_unix_ms", "measured_at_unix_ms"),
    Index("ix_measurements_content_sha256", "content_sha256"),
    Index("ix_measurements_order", "committed_at_unix_ms", "position", "measurement_id"),
    Index(
        "ix_measurements_order_of_device",
        *("device_id", "committed_at_unix_ms", "position", "measurement_id"),
    ),
)
_IS_NEWEST = measurements.c.is_newest.is_(True)
Index(
    "ix_measurements_newest",
    *(measurements.c.device_id, measurements.c.backbone, measurements.c.candidate_id),
    sqlite_where=_IS_NEWEST,
    postgresql_where=_IS_NEWEST,
)

# What rankings need of the newest measurements of a device, so that a controller that was started
# again reads one row and what came since. Made of `measurements`, and anew where it cannot be read.
kept_figures = Table(
    "kept_figures",
    metadata,
    Column("device_id", String, ForeignKey("devices.device_id"), primary_key=True),
    # The device's last outcome that is in it.
    Column("until_ordinal", Integer, nullable=False),
    # Names and kinds of what `figures` has in a row: of another version it is made anew.
    Column("layout", String, nullable=False),
    Column("checksum", BigInteger, nullable=False),
    Column("figures", LargeBinary, nullable=False),
)

# One row a job that is to be measured and of which something was predicted: what it will be judged
# by. Of a device so many as `controller.state.measurements.foretold` says.
earlier_predictions = Table(
    "earlier_predictions",
    metadata,
    Column("prediction_id", Integer, primary_key=True),
    Column("job_id", String, ForeignKey("jobs.job_id"), nullable=False, unique=True),
    # The job's, so that an index finds the newest of it.
    Column("device_id", String, ForeignKey("devices.device_id"), nullable=False),
    Column("median_ms", Float, nullable=False),
    Column("low_ms", Float, nullable=False),
    Column("high_ms", Float, nullable=False),
    Column("confidence", Float, nullable=False),
    # Backbones that were measured in the setting when it was predicted.
    Column("known_count", Integer, nullable=False),
    Index("ix_earlier_predictions_device_id_prediction_id", "device_id", "prediction_id"),
)

# One row a sweep that stands for one of another controller: its measurements were imported.
imports = Table(
    "imports",
    metadata,
    Column("sweep_id", String, ForeignKey("sweeps.sweep_id"), primary_key=True),
    Column("import_id", String, nullable=False),
    # The name of the other controller, and the id that the sweep has there.
    Column("origin", String, nullable=False),
    Column("of_sweep_id", String, nullable=False),
    Column("file_name", String, nullable=False),
    Column("file_sha256", String, nullable=False),
    Column("imported_at_unix_ms", BigInteger, nullable=False),
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
    Column("output_check", Document(OutputCheck)),
    Column("paced", Document(PacedSamples)),
    Column("at_rest", Document(tuple[DeviceState, ...]), nullable=False),
    Column("providers", Document(tuple[ProviderUse, ...]), nullable=False),
    Column("averaged", Document(AveragedRuns)),
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
