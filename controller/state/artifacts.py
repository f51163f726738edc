"""Artifacts: which conversion gave which bytes, and how they were checked."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any, Final

from sqlalchemy import ColumnElement, RowMapping, exists, func, insert, or_, select, update

from controller.domain.errors import EdgerankError, ErrorCode
from controller.domain.jobs import AttemptState, TurnState
from controller.state.catalog.network_counts import record_count
from controller.state.database import Database, Transaction
from controller.state.schema import artifacts, attempts, jobs, own_models, turns
from models.catalog.needs import FileNeeds
from models.catalog.onnx_versions import OnnxVersions
from models.catalog.variants import CheckedThrough, Variant, WeightsKind
from models.conversion.pipeline import Converted, Reference

# Below what any SQLite takes in one statement.
_AT_ONCE: Final = 500


@dataclass(frozen=True)
class Artifact:
    """The stored result of one conversion.

    Attributes:
        seconds: what it took when it was made.
        reference_sha256: digest of what devices compare its outputs with; None where they do not.
        reference_size_bytes: size of the same, bytes.
        output_tolerance: largest relative difference that passes there.
        needs: what it needs of whoever runs it.
    """

    conversion_key: str
    sha256: str
    size_bytes: int
    weights: WeightsKind
    weights_digest: str
    max_relative_difference: float
    parity_tolerance: float
    parity_input_count: int
    checked_through: CheckedThrough
    top1_agreement: float | None
    passes: tuple[str, ...]
    seconds: float
    needs: FileNeeds
    reference_sha256: str | None
    reference_size_bytes: int | None
    output_tolerance: float | None


def record_artifact(database: Database, converted: Converted, now_unix_ms: int) -> Artifact:
    """Remembers a conversion whose bytes are stored already.

    A repeat changes nothing but what devices compare its outputs with, where it has that. One that
    gave other bytes takes the place of what was never measured.

    Raises:
        EdgerankError: EXECUTION when a repeat gave other bytes than those that figures are of.
    """
    variant = converted.variant
    row = {
        "conversion_key": converted.conversion_key,
        "sha256": converted.sha256,
        "size_bytes": converted.size_bytes,
        "backbone": variant.backbone,
        "format": variant.format,
        "precision": variant.precision,
        "target": variant.target,
        "input_size": variant.input_size,
        "batch": variant.batch,
        "weights": converted.weights.kind,
        "weights_digest": converted.weights.digest,
        "weights_source": converted.weights.source,
        "max_relative_difference": converted.parity.max_relative_difference,
        "parity_tolerance": converted.parity.tolerance,
        "parity_input_count": converted.parity.input_count,
        "checked_through": converted.parity.checked_through,
        "top1_agreement": converted.parity.top1_agreement,
        "passes": converted.passes,
        "tool_versions": dict(converted.tool_versions),
        "seconds": converted.seconds,
        "ir_version": None if converted.versions is None else converted.versions.ir_version,
        "opset": None if converted.versions is None else converted.versions.opset,
        "operators": converted.operators,
        **_reference_columns(converted.reference),
    }
    known = find_artifact(database, converted.conversion_key)
    if known is not None and known.sha256 == converted.sha256:
        with database.writing() as transaction:
            record_count(transaction, converted.sha256, converted.count)
        return _with_reference(database, known, converted.reference, now_unix_ms)
    with database.writing() as transaction:
        if known is None:
            transaction.execute(insert(artifacts).values(**row, created_at_unix_ms=now_unix_ms))
        elif not _was_measured(transaction, converted.conversion_key):
            if converted.reference is None:
                row |= {name: getattr(known, name) for name in _reference_columns(None)}
            _replace(transaction, converted.conversion_key, row, now_unix_ms)
        else:
            raise EdgerankError(
                ErrorCode.EXECUTION,
                f"artifact {known.sha256[:12]} of {variant.backbone} is gone from the store, and "
                f"making it again gave other bytes ({converted.sha256[:12]}), which no earlier "
                "figure is of; bring the artifacts folder back from a backup, or start a new state "
                "folder",
            )
        record_count(transaction, converted.sha256, converted.count)
    return _artifact(row)


def _reference_columns(reference: Reference | None) -> dict[str, Any]:
    return {
        "reference_sha256": reference and reference.sha256,
        "reference_size_bytes": reference and reference.size_bytes,
        "output_tolerance": reference and reference.tolerance,
    }


def _with_reference(
    database: Database, known: Artifact, reference: Reference | None, now_unix_ms: int
) -> Artifact:
    """Remembers what devices compare with now: of the one from before the bytes are gone."""
    columns = _reference_columns(reference)
    found = replace(known, **columns)
    if reference is not None and found != known:
        with database.writing() as transaction:
            _replace(transaction, known.conversion_key, columns, now_unix_ms)
        return found
    return known


def _replace(
    transaction: Transaction, conversion_key: str, columns: Mapping[str, Any], now_unix_ms: int
) -> None:
    """Puts other files in the place of an artifact's: later than any attempt of those that are out.

    So that it is known of which it is that they were leased files that there are no more.
    """
    leased_ms = transaction.scalars(
        select(func.max(attempts.c.leased_at_unix_ms))
        .join(jobs, jobs.c.job_id == attempts.c.job_id)
        .where(jobs.c.conversion_key == conversion_key, attempts.c.state == AttemptState.LEASED)
    ).one()
    since_unix_ms = now_unix_ms if leased_ms is None else max(now_unix_ms, leased_ms + 1)
    transaction.execute(
        update(artifacts)
        .where(artifacts.c.conversion_key == conversion_key)
        .values(**columns, created_at_unix_ms=since_unix_ms)
    )


def is_file_of(sha256: str) -> ColumnElement[bool]:
    """Of artifacts, those that have this digest, or whose outputs are compared with what has it."""
    return or_(artifacts.c.sha256 == sha256, artifacts.c.reference_sha256 == sha256)


def was_leased(database: Database, device_id: str, sha256: str) -> bool:
    """Whether a file was ever leased to a device, also with an attempt that was lost since."""
    with database.transaction() as transaction:
        leased = transaction.execute(
            select(attempts.c.attempt_id)
            .join(jobs, jobs.c.job_id == attempts.c.job_id)
            .join(artifacts, artifacts.c.conversion_key == jobs.c.conversion_key)
            .where(jobs.c.device_id == device_id, is_file_of(sha256))
            .limit(1)
        )
        return leased.first() is not None


def backbones_of(database: Database, sha256: str) -> tuple[str, ...]:
    """The backbones of which artifacts have this file, by name; none for an unknown digest."""
    with database.transaction() as transaction:
        names = transaction.scalars(
            select(artifacts.c.backbone)
            .where(is_file_of(sha256))
            .distinct()
            .order_by(artifacts.c.backbone)
        )
        return tuple(names)


def find_artifact(database: Database, conversion_key: str) -> Artifact | None:
    """The artifact of a conversion, if it was made before."""
    with database.transaction() as transaction:
        found = transaction.execute(
            select(artifacts).where(artifacts.c.conversion_key == conversion_key)
        )
        row = found.mappings().one_or_none()
    return None if row is None else _artifact(dict(row))


def find_artifacts(database: Database, conversion_keys: Iterable[str]) -> Mapping[str, Artifact]:
    """The artifacts of those conversions that were made before, by their keys."""
    found: dict[str, Artifact] = {}
    keys = iter(conversion_keys)
    with database.transaction() as transaction:
        while some := list(islice(keys, _AT_ONCE)):
            rows = transaction.execute(
                select(artifacts).where(artifacts.c.conversion_key.in_(some))
            ).mappings()
            found |= {row["conversion_key"]: _artifact(dict(row)) for row in rows}
    return found


def made_needs(database: Database, backbones: Collection[str]) -> Mapping[Variant, FileNeeds]:
    """What the files that were made of backbones need, the newest of each variant.

    Of an own model only files count that were made of what has the name now.
    """
    with database.transaction() as transaction:
        rows = transaction.execute(
            select(artifacts)
            .outerjoin(own_models, own_models.c.name == artifacts.c.backbone)
            .where(
                artifacts.c.backbone.in_(backbones),
                or_(
                    artifacts.c.weights != WeightsKind.OWN,
                    artifacts.c.weights_digest == own_models.c.digest,
                ),
            )
            .order_by(artifacts.c.created_at_unix_ms)
        ).mappings()
        return {variant_of(row): _needs(row) for row in rows if _tells_needs(row)}


def variant_of(row: RowMapping) -> Variant:
    """The variant that a row is of: of an artifact, or of a job that needs one."""
    return Variant(
        row["backbone"],
        row["format"],
        row["precision"],
        row["target"],
        row["input_size"],
        row["batch"],
    )


def _was_measured(transaction: Transaction, conversion_key: str) -> bool:
    """Whether a repetition of a job with the artifact was taken."""
    taken = exists().where(
        jobs.c.conversion_key == conversion_key,
        turns.c.job_id == jobs.c.job_id,
        turns.c.state == TurnState.TAKEN,
    )
    return transaction.scalars(select(taken)).one()


def _artifact(row: Mapping[str, Any]) -> Artifact:
    return Artifact(
        conversion_key=row["conversion_key"],
        sha256=row["sha256"],
        size_bytes=row["size_bytes"],
        weights=row["weights"],
        weights_digest=row["weights_digest"],
        max_relative_difference=row["max_relative_difference"],
        parity_tolerance=row["parity_tolerance"],
        parity_input_count=row["parity_input_count"],
        checked_through=row["checked_through"],
        top1_agreement=row["top1_agreement"],
        passes=row["passes"],
        seconds=row["seconds"],
        needs=_needs(row),
        reference_sha256=row["reference_sha256"],
        reference_size_bytes=row["reference_size_bytes"],
        output_tolerance=row["output_tolerance"],
    )


def _tells_needs(row: Mapping[str, Any] | RowMapping) -> bool:
    return row["ir_version"] is not None or bool(row["operators"])


def _needs(row: Mapping[str, Any] | RowMapping) -> FileNeeds:
    if row["ir_version"] is None:
        return FileNeeds(operators=row["operators"])
    return FileNeeds(OnnxVersions(row["ir_version"], row["opset"]), row["operators"])
