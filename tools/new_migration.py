"""Writes the migration from the newest revision of the state to controller/state/schema.py."""

import tempfile
from pathlib import Path

import click
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine

import controller.state.access.schema  # noqa: F401 - adds its tables to the metadata
from controller.state.database import migrations_on
from controller.state.schema import REVISION_TABLE, metadata


@click.command(help=__doc__)
@click.argument("message")
def write_migration(message: str) -> None:
    """Compares an empty database at the newest revision with the tables of the schema."""
    if not message.strip():
        raise click.ClickException('say what changes: make migration MESSAGE="add a column".')
    with tempfile.TemporaryDirectory() as folder:
        engine = create_engine(f"sqlite:///{Path(folder) / 'empty.db'}")
        with engine.begin() as connection:
            command.upgrade(migrations_on(connection), "head")
        with engine.connect() as connection:
            config = migrations_on(connection)
            newest = ScriptDirectory.from_config(config).get_current_head()
            there = MigrationContext.configure(connection, opts={"version_table": REVISION_TABLE})
            if not compare_metadata(there, metadata):
                raise click.ClickException(
                    f"controller/state/schema.py holds nothing that revision {newest} lacks; "
                    "change the tables there first."
                )
            revision = f"{int(newest or 0) + 1:04d}"
            command.revision(config, message, autogenerate=True, rev_id=revision)
        engine.dispose()


if __name__ == "__main__":
    write_migration()
