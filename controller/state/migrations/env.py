"""Runs migrations on the connection that controller/state/database.py hands over."""

from typing import Literal

from alembic import context
from sqlalchemy import TypeDecorator

import controller.state.access.schema  # noqa: F401 - adds its tables to the metadata
from controller.state.schema import REVISION_TABLE, metadata


def as_kept(kind: str, item: object, _of: object) -> str | Literal[False]:
    """How a migration writes our own types: as what the database has, which they may outlive."""
    if kind == "type" and isinstance(item, TypeDecorator):
        return f"sa.{type(item.impl_instance).__name__}()"
    return False


context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    version_table=REVISION_TABLE,
    render_as_batch=True,
    render_item=as_kept,
)
with context.begin_transaction():
    context.run_migrations()
