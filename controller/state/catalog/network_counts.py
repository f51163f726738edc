"""What networks do, as it was counted when they were converted or added."""

from collections.abc import Mapping

from sqlalchemy import RowMapping, delete, insert, or_, select

from controller.state.database import Database, Transaction
from controller.state.schema import artifacts, network_counts, own_models
from controller.state.schema.unreadable import first_unreadable, readable
from models.catalog.features import NetworkCount
from models.catalog.variants import WeightsKind
from protos.inputs import ImageSize


def record_count(transaction: Transaction, digest: str, count: NetworkCount | None) -> None:
    """Remembers what a network does, in the place of what was counted before.

    Args:
        transaction: also of what the digest names.
        digest: SHA-256 of an artifact's bytes, or of an own model's files.
        count: None changes nothing.
    """
    if count is None:
        return
    transaction.execute(delete(network_counts).where(network_counts.c.digest == digest))
    transaction.execute(insert(network_counts).values(digest=digest, counted=count))


def forget_unnamed_counts(transaction: Transaction) -> None:
    """Forgets what was counted of files that neither an artifact nor an own model names."""
    transaction.execute(
        delete(network_counts).where(
            network_counts.c.digest.not_in(select(own_models.c.digest)),
            network_counts.c.digest.not_in(select(artifacts.c.sha256)),
        )
    )


def stored_counts(database: Database) -> Mapping[tuple[str, ImageSize], NetworkCount]:
    """What was counted of backbones, by their names and the sizes of their image.

    Of several conversions the newest counts, and of an own model only what is of the files that
    have the name now.
    """
    found: dict[tuple[str, ImageSize], NetworkCount] = {}
    with database.transaction() as transaction:
        added = transaction.execute(
            select(own_models.c.name, own_models.c.takes, network_counts.c.counted).join(
                network_counts, network_counts.c.digest == own_models.c.digest
            )
        ).mappings()
        for row in readable("count of an own model", "name", added, _whole):
            found[row["name"], row["takes"].size] = row["counted"]
        made = transaction.execute(
            select(artifacts.c.backbone, artifacts.c.input_size, network_counts.c.counted)
            .join(network_counts, network_counts.c.digest == artifacts.c.sha256)
            .outerjoin(own_models, own_models.c.name == artifacts.c.backbone)
            .where(
                artifacts.c.batch == 1,
                or_(
                    artifacts.c.weights != WeightsKind.OWN,
                    artifacts.c.weights_digest == own_models.c.digest,
                ),
            )
            .order_by(artifacts.c.created_at_unix_ms)
        ).mappings()
        for row in readable("count of an artifact", "backbone", made, _whole):
            found[row["backbone"], row["input_size"]] = row["counted"]
    return found


def _whole(row: RowMapping) -> RowMapping:
    if column := first_unreadable(row.items()):
        raise ValueError(column)
    return row
