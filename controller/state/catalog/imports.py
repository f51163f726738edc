"""Measurements of other controllers: kept beside our own, in sweeps that say where from."""

import hashlib
import uuid
from dataclasses import dataclass, field

from sqlalchemy import exists, insert, select

from controller.domain.jobs import JobState
from controller.domain.measurements import Measurement
from controller.domain.measurements.imports import ImportHeader
from controller.domain.sweeps import SweepPhase, SweepSpec
from controller.state.database import Transaction
from controller.state.measurements import Conclusion
from controller.state.measurements.recording import record_imported
from controller.state.rounds.counts import add_counts, open_counts
from controller.state.rounds.repetitions import NewRepetition, record_repetitions
from controller.state.schema import artifacts, imports, jobs, measurements, repetitions, sweeps
from controller.state.sweeps import asked_columns
from protos.fleet import Measured
from protos.measuring import MeasureSettings
from protos.runtimes import RuntimeInfo


@dataclass(frozen=True)
class OpenImport:
    """An import that goes on.

    Attributes:
        import_id: unique id.
        header: where it comes from.
        started_by: the token of who imports; empty where nobody is asked for one.
        sweep_ids: our sweep for each of the other controller's.
        positions: how many jobs each of ours has.
        variants: which of them each of ours has.
    """

    import_id: str
    header: ImportHeader
    started_by: str
    sweep_ids: dict[str, str] = field(default_factory=dict)
    positions: dict[str, int] = field(default_factory=dict)
    variants: dict[str, set[tuple[object, ...]]] = field(default_factory=dict)


def is_imported(transaction: Transaction, content_sha256: str) -> bool:
    """Whether a measurement of this content was imported before."""
    known = exists().where(measurements.c.content_sha256 == content_sha256)
    return transaction.scalars(select(known)).one()


def alike_samples(
    transaction: Transaction, measurement: Measurement
) -> list[tuple[tuple[int, ...], ...]]:
    """The raw latencies of what was measured here at the same moment of the same artifact.

    Here itself: of what was imported, however much has one moment, the digest is known.
    """
    found = transaction.execute(
        select(measurements.c.job_id)
        .join(jobs, jobs.c.job_id == measurements.c.job_id)
        .join(artifacts, artifacts.c.conversion_key == jobs.c.conversion_key)
        .where(
            measurements.c.measured_at_unix_ms == measurement.measured_at_unix_ms,
            measurements.c.content_sha256.is_(None),
            measurements.c.runtime_version == measurement.runtime_version,
            jobs.c.backbone == measurement.backbone,
            jobs.c.batch == measurement.batch,
            artifacts.c.sha256 == measurement.artifact_sha256,
        )
    ).scalars()
    return [_samples_of(transaction, job_id) for job_id in found.all()]


def _samples_of(transaction: Transaction, job_id: str) -> tuple[tuple[int, ...], ...]:
    of_job = (
        select(repetitions.c.latency_ns)
        .where(repetitions.c.job_id == job_id)
        .order_by(repetitions.c.ordinal)
    )
    return tuple(tuple(each) for each in transaction.execute(of_job).scalars())


def put_measurement(
    transaction: Transaction,
    into: OpenImport,
    spec: SweepSpec,
    device_id: str,
    measurement: Measurement,
    *,
    settings: MeasureSettings,
    conclusion: Conclusion,
    content_sha256: str,
    now_unix_ms: int,
) -> None:
    """Keeps a measurement with its samples, as a job that is done of a sweep that has ended.

    It is as new as the moment at which it was measured; that cannot be to come.
    """
    sweep_id = _sweep_of(transaction, into, spec, measurement, now_unix_ms)
    position = into.positions[sweep_id]
    into.positions[sweep_id] += 1
    job_id = uuid.uuid4().hex
    transaction.execute(
        insert(jobs).values(
            job_id=job_id,
            sweep_id=sweep_id,
            device_id=device_id,
            position=position,
            backbone=measurement.backbone,
            format=measurement.format,
            precision=measurement.precision,
            target=measurement.target,
            input_size=measurement.input_size,
            batch=measurement.batch,
            settings=settings,
            conversion_key=_artifact_of(transaction, into, measurement, now_unix_ms),
            state=JobState.DONE,
        )
    )
    runtime = RuntimeInfo(
        runtime=measurement.runtime,
        version=measurement.runtime_version,
        build=measurement.runtime_build,
    )
    record_repetitions(
        transaction,
        [
            NewRepetition(
                job_id=job_id,
                ordinal=ordinal,
                measured=Measured(
                    runtime=runtime, repetition=repetition, affinity=measurement.affinity
                ),
                waited_ms=repetition.waited_ms,
                taken_at_unix_ms=measurement.measured_at_unix_ms,
            )
            for ordinal, repetition in enumerate(measurement.repetitions, 1)
        ],
    )
    at_unix_ms = min(measurement.measured_at_unix_ms, now_unix_ms)
    record_imported(transaction, job_id, conclusion, content_sha256, at_unix_ms)
    _count_job(transaction, into, sweep_id, measurement)


def _count_job(
    transaction: Transaction, into: OpenImport, sweep_id: str, measurement: Measurement
) -> None:
    """Counts a job that is done, in step: counting anew would look at all of the sweep's."""
    variant = (
        measurement.backbone,
        measurement.format,
        measurement.precision,
        measurement.target,
        measurement.input_size,
        measurement.batch,
    )
    is_new = variant not in into.variants[sweep_id]
    into.variants[sweep_id].add(variant)
    add_counts(transaction, sweep_id, {JobState.DONE.value: 1, "variants": int(is_new)})


def _sweep_of(
    transaction: Transaction,
    into: OpenImport,
    spec: SweepSpec,
    measurement: Measurement,
    now_unix_ms: int,
) -> str:
    known = into.sweep_ids.get(measurement.sweep_id)
    if known is not None:
        return known
    sweep_id = uuid.uuid4().hex[:12]
    into.sweep_ids[measurement.sweep_id] = sweep_id
    into.positions[sweep_id] = 0
    into.variants[sweep_id] = set()
    transaction.execute(
        insert(sweeps).values(
            sweep_id=sweep_id,
            phase=SweepPhase.ENDED,
            created_at_unix_ms=now_unix_ms,
            ended_at_unix_ms=now_unix_ms,
            started_by=into.started_by,
            left_out=(),
            **asked_columns(spec),
        )
    )
    open_counts(transaction, sweep_id, job_count=0, variants=0)
    transaction.execute(
        insert(imports).values(
            sweep_id=sweep_id,
            import_id=into.import_id,
            of_sweep_id=measurement.sweep_id,
            imported_at_unix_ms=now_unix_ms,
            **vars(into.header),
        )
    )
    return sweep_id


def _artifact_of(
    transaction: Transaction, into: OpenImport, measurement: Measurement, now_unix_ms: int
) -> str:
    """The key of what was measured, whose bytes are elsewhere: no conversion has it."""
    told = {
        "sha256": measurement.artifact_sha256,
        "size_bytes": measurement.artifact_size_bytes,
        "backbone": measurement.backbone,
        "format": measurement.format,
        "precision": measurement.precision,
        "target": measurement.target,
        "input_size": measurement.input_size,
        "batch": measurement.batch,
        "weights": measurement.weights,
        "weights_digest": measurement.weights_digest,
        "max_relative_difference": measurement.max_relative_difference,
        "checked_through": measurement.checked_through,
        "output_tolerance": measurement.output_tolerance,
    }
    digest = hashlib.sha256(repr(tuple(map(str, told.values()))).encode()).hexdigest()
    conversion_key = f"imported-{digest}"
    known = select(artifacts.c.conversion_key).where(artifacts.c.conversion_key == conversion_key)
    if transaction.execute(known).first() is None:
        transaction.execute(
            insert(artifacts).values(
                conversion_key=conversion_key,
                weights_source=into.header.origin,
                parity_tolerance=0.0,
                parity_input_count=0,
                passes=(),
                tool_versions={},
                seconds=0.0,
                created_at_unix_ms=now_unix_ms,
                operators=(),
                **told,
            )
        )
    return conversion_key
