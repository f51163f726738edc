"""Measurements of other controllers: kept beside our own, in sweeps that say where from."""

import hashlib
import uuid
from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from sqlalchemy import insert, select

from controller.domain.jobs import JobState
from controller.domain.measurements import Measurement
from controller.domain.measurements.imports import ImportHeader
from controller.domain.sweeps import SweepPhase, SweepSpec
from controller.state.database import Transaction
from controller.state.measurements import Conclusion
from controller.state.measurements.recording import Imported, record_imported
from controller.state.rounds.counts import VARIANT_COLUMNS, add_counts, open_counts
from controller.state.rounds.repetitions import NewRepetition, record_repetitions
from controller.state.schema import artifacts, imports, jobs, measurements, repetitions, sweeps
from controller.state.schema.many_rows import write_rows
from controller.state.sweeps import asked_columns
from protos.fleet import Measured
from protos.measuring import MeasureSettings
from protos.runtimes import RuntimeInfo

_ADD_JOBS = insert(jobs)


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


@dataclass(frozen=True, kw_only=True)
class NewMeasurement:
    """A measurement that is not here yet, with what was derived of it.

    Attributes:
        measurement: as it came.
        settings: its own.
        spec: what its sweep would have asked for.
        device_id: of the device that stands for the other controller's.
        conclusion: its figures and verdict.
        content_sha256: the digest of its content.
    """

    measurement: Measurement
    settings: MeasureSettings
    spec: SweepSpec
    device_id: str
    conclusion: Conclusion
    content_sha256: str


def known_of(transaction: Transaction, told: Mapping[str, Measurement]) -> set[str]:
    """The digests of those measurements, given by them, that are here: imported, or measured."""
    imported = select(measurements.c.content_sha256).where(
        measurements.c.content_sha256.in_(list(told))
    )
    known = set(transaction.scalars(imported))
    others = {digest: each for digest, each in told.items() if digest not in known}
    here = _samples_measured_here(transaction, others.values())
    for digest, each in others.items():
        samples = tuple(repetition.latency_ns for repetition in each.repetitions)
        if samples in here[_what_and_when(each)]:
            known.add(digest)
    return known


def _what_and_when(measurement: Measurement) -> tuple[object, ...]:
    return (
        measurement.measured_at_unix_ms,
        measurement.backbone,
        measurement.batch,
        measurement.runtime_version,
        measurement.artifact_sha256,
    )


def _samples_measured_here(
    transaction: Transaction, alike: Collection[Measurement]
) -> defaultdict[tuple[object, ...], list[tuple[tuple[int, ...], ...]]]:
    """The raw latencies of what was measured here at the same moments of the same artifacts.

    Here itself: of what was imported, however much has one moment, the digest is known.
    """
    found = transaction.execute(
        select(
            measurements.c.measured_at_unix_ms,
            jobs.c.backbone,
            jobs.c.batch,
            measurements.c.runtime_version,
            artifacts.c.sha256,
            measurements.c.job_id,
        )
        .join(jobs, jobs.c.job_id == measurements.c.job_id)
        .join(artifacts, artifacts.c.conversion_key == jobs.c.conversion_key)
        .where(
            measurements.c.measured_at_unix_ms.in_({each.measured_at_unix_ms for each in alike}),
            measurements.c.content_sha256.is_(None),
        )
    ).all()
    wanted = set(map(_what_and_when, alike))
    samples = defaultdict(list)
    for *what, job_id in found:
        if tuple(what) in wanted:
            samples[tuple(what)].append(_samples_of(transaction, job_id))
    return samples


def _samples_of(transaction: Transaction, job_id: str) -> tuple[tuple[int, ...], ...]:
    of_job = (
        select(repetitions.c.latency_ns)
        .where(repetitions.c.job_id == job_id)
        .order_by(repetitions.c.ordinal)
    )
    return tuple(tuple(each) for each in transaction.execute(of_job).scalars())


def put_measurements(
    transaction: Transaction, into: OpenImport, new: Sequence[NewMeasurement], now_unix_ms: int
) -> None:
    """Keeps measurements with their samples, as jobs that are done of sweeps that have ended.

    Each is as new as the moment at which it was measured; that cannot be to come.
    """
    if not new:
        return
    keys = _artifacts_of(transaction, into, [each.measurement for each in new], now_unix_ms)
    rows = [
        _job(each, _sweep_of(transaction, into, each, now_unix_ms), into, key)
        for each, key in zip(new, keys, strict=True)
    ]
    write_rows(transaction, _ADD_JOBS, rows)
    of_jobs = {str(row["job_id"]): each for row, each in zip(rows, new, strict=True)}
    record_repetitions(
        transaction,
        [repetition for job_id, each in of_jobs.items() for repetition in _taken(job_id, each)],
    )
    record_imported(
        transaction,
        {
            job_id: Imported(
                conclusion=each.conclusion,
                content_sha256=each.content_sha256,
                at_unix_ms=min(each.measurement.measured_at_unix_ms, now_unix_ms),
            )
            for job_id, each in of_jobs.items()
        },
    )
    _count_jobs(transaction, into, rows)


def _job(
    new: NewMeasurement, sweep_id: str, into: OpenImport, conversion_key: str
) -> dict[str, object]:
    measurement = new.measurement
    position = into.positions[sweep_id]
    into.positions[sweep_id] += 1
    return {
        "job_id": uuid.uuid4().hex,
        "sweep_id": sweep_id,
        "device_id": new.device_id,
        "position": position,
        **{column.name: getattr(measurement, column.name) for column in VARIANT_COLUMNS},
        "settings": new.settings,
        "conversion_key": conversion_key,
        "state": JobState.DONE,
    }


def _taken(job_id: str, new: NewMeasurement) -> Iterator[NewRepetition]:
    measurement = new.measurement
    runtime = RuntimeInfo(
        runtime=measurement.runtime,
        version=measurement.runtime_version,
        build=measurement.runtime_build,
    )
    for ordinal, repetition in enumerate(measurement.repetitions, 1):
        yield NewRepetition(
            job_id=job_id,
            ordinal=ordinal,
            measured=Measured(
                runtime=runtime, repetition=repetition, affinity=measurement.affinity
            ),
            waited_ms=repetition.waited_ms,
            taken_at_unix_ms=measurement.measured_at_unix_ms,
        )


def _count_jobs(
    transaction: Transaction, into: OpenImport, rows: Sequence[Mapping[str, object]]
) -> None:
    """Counts jobs that are done, in step: counting anew would look at all of the sweeps'."""
    done = Counter(str(row["sweep_id"]) for row in rows)
    variants = {sweep_id: len(into.variants[sweep_id]) for sweep_id in done}
    for row in rows:
        variant = tuple(row[column.name] for column in VARIANT_COLUMNS)
        into.variants[str(row["sweep_id"])].add(variant)
    for sweep_id, count in done.items():
        more = len(into.variants[sweep_id]) - variants[sweep_id]
        add_counts(transaction, sweep_id, {JobState.DONE.value: count, "variants": more})


def _sweep_of(
    transaction: Transaction, into: OpenImport, new: NewMeasurement, now_unix_ms: int
) -> str:
    measurement = new.measurement
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
            **asked_columns(new.spec),
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


def _artifacts_of(
    transaction: Transaction,
    into: OpenImport,
    several: Sequence[Measurement],
    now_unix_ms: int,
) -> list[str]:
    """The keys of what was measured, whose bytes are elsewhere: no conversion has them."""
    told = [_artifact(each) for each in several]
    keys = [_key_of(each) for each in told]
    there = select(artifacts.c.conversion_key).where(artifacts.c.conversion_key.in_(set(keys)))
    known = set(transaction.scalars(there))
    new = {key: each for key, each in zip(keys, told, strict=True) if key not in known}
    if new:
        alike = {
            "weights_source": into.header.origin,
            "parity_tolerance": 0.0,
            "parity_input_count": 0,
            "passes": (),
            "tool_versions": {},
            "seconds": 0.0,
            "created_at_unix_ms": now_unix_ms,
            "operators": (),
        }
        transaction.execute(
            insert(artifacts), [{"conversion_key": key, **alike, **new[key]} for key in new]
        )
    return keys


def _artifact(measurement: Measurement) -> dict[str, object]:
    return {
        "sha256": measurement.artifact_sha256,
        "size_bytes": measurement.artifact_size_bytes,
        **{column.name: getattr(measurement, column.name) for column in VARIANT_COLUMNS},
        "weights": measurement.weights,
        "weights_digest": measurement.weights_digest,
        "max_relative_difference": measurement.max_relative_difference,
        "checked_through": measurement.checked_through,
        "output_tolerance": measurement.output_tolerance,
    }


def _key_of(artifact: Mapping[str, object]) -> str:
    digest = hashlib.sha256(repr(tuple(map(str, artifact.values()))).encode()).hexdigest()
    return f"imported-{digest}"
