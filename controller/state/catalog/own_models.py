"""Own models, as they are remembered; their files are in folders named by the digest."""

from sqlalchemy import RowMapping, delete, func, insert, select

from controller.domain.catalog import OwnModel, as_backbone
from controller.domain.errors import EdgerankError, ErrorCode
from controller.state.catalog.accuracy import backbone_row
from controller.state.catalog.network_counts import forget_unnamed_counts, record_count
from controller.state.database import Database
from controller.state.schema import accuracies, backbones, jobs, own_models
from controller.state.schema.unreadable import readable
from models.catalog.features import NetworkCount


def list_own_models(database: Database) -> tuple[OwnModel, ...]:
    """Every own model, by name."""
    with database.transaction() as transaction:
        rows = transaction.execute(select(own_models).order_by(own_models.c.name)).mappings()
        return tuple(readable("own model", "name", rows, _model))


def list_digests(database: Database) -> frozenset[str]:
    """The digests of all own models, also of those of which nothing else can be read."""
    with database.transaction() as transaction:
        return frozenset(map(str, transaction.scalars(select(own_models.c.digest))))


def record_own_model(database: Database, model: OwnModel, count: NetworkCount | None) -> None:
    """Remembers a model whose files are in their place, and what was counted of its network."""
    with database.transaction() as transaction:
        transaction.execute(
            insert(own_models).values(
                name=model.name,
                format=model.format,
                digest=model.digest,
                size_bytes=model.size_bytes,
                takes=model.takes,
                params_m=model.params_m,
                output_shapes=model.output_shapes,
                added_at_unix_ms=model.added_at_unix_ms,
                assumed=model.assumed,
                ir_version=model.ir_version,
                opset=model.opset,
                architecture=model.architecture,
                precision=model.precision,
            )
        )
        transaction.execute(insert(backbones).values(backbone_row(as_backbone(model))))
        record_count(transaction, model.digest, count)


def forget_own_model(database: Database, name: str, *, with_accuracy: bool) -> None:
    """Forgets a model; its accuracy stays with the files that it belongs to unless it goes, too.

    Raises:
        EdgerankError: UNKNOWN_NAME when there is none, PRECONDITION when a sweep has it.
    """
    with database.transaction() as transaction:
        known = transaction.scalars(select(own_models.c.name).order_by(own_models.c.name)).all()
        if name not in known:
            there_are = f"there are {', '.join(known)}" if known else "there is none"
            raise EdgerankError(
                ErrorCode.UNKNOWN_NAME, f"no own model is named {name!r}; {there_are}"
            )
        job_count = transaction.scalars(
            select(func.count()).select_from(jobs).where(jobs.c.backbone == name)
        ).one()
        if job_count:
            raise EdgerankError(
                ErrorCode.PRECONDITION,
                f"{name} is in sweeps (jobs: {job_count}), and figures keep their model; add the "
                "next one under another name",
            )
        if with_accuracy:
            digest = select(own_models.c.digest).where(own_models.c.name == name).scalar_subquery()
            transaction.execute(
                delete(accuracies).where(
                    accuracies.c.backbone == name, accuracies.c.model_digest == digest
                )
            )
        transaction.execute(delete(backbones).where(backbones.c.name == name))
        transaction.execute(delete(own_models).where(own_models.c.name == name))
        forget_unnamed_counts(transaction)


def _model(row: RowMapping) -> OwnModel:
    return OwnModel(
        name=row["name"],
        format=row["format"],
        digest=row["digest"],
        size_bytes=row["size_bytes"],
        takes=row["takes"],
        params_m=row["params_m"],
        output_shapes=row["output_shapes"],
        added_at_unix_ms=row["added_at_unix_ms"],
        assumed=row["assumed"],
        ir_version=row["ir_version"],
        opset=row["opset"],
        architecture=row["architecture"],
        precision=row["precision"],
    )
