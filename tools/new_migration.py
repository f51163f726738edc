"""Writes the migration from the newest revision of the state to controller/state/schema.py."""

import os
import tempfile
from pathlib import Path

import click
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine

from controller.state.database import MIGRATIONS
from controller.state.schema import metadata


@click.command(help=__doc__)
@click.argument("message")
def write_migration(message: str) -> None:
    """Compares an empty database at the newest revision with the tables of the schema."""
    if not message.strip():
        raise click.ClickException('say what changes: make migration MESSAGE="add a column".')
    config = Config()
    config.set_main_option("script_location", os.fspath(MIGRATIONS))
    newest = ScriptDirectory.from_config(config).get_current_head()
    with tempfile.TemporaryDirectory() as folder:
        engine = create_engine(f"sqlite:///{Path(folder) / 'empty.db'}")
        with engine.begin() as connection:
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
        with engine.connect() as connection:
            if not compare_metadata(MigrationContext.configure(connection), metadata):
                raise click.ClickException(
                    f"controller/state/schema.py holds nothing that revision {newest} lacks; "
                    "change the tables there first."
                )
            config.attributes["connection"] = connection
            revision = f"{int(newest or 0) + 1:04d}"
            command.revision(config, message, autogenerate=True, rev_id=revision)
        engine.dispose()


if __name__ == "__main__":
    write_migration()
