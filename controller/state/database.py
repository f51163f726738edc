"""The state's database: its folder, lock and migrations, transactions, and typed failures."""

import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeAlias

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util.exc import CommandError
from filelock import FileLock, Timeout
from sqlalchemy import Connection, Engine, create_engine, event, inspect
from sqlalchemy.exc import DBAPIError, IntegrityError

from controller.domain.errors import EdgerankError, ErrorCode
from controller.state.schema import REVISION_TABLE
from controller.state.schema.database_file import copy_database
from controller.state.schema.engines import connected_engine
from protos.log_lines import event_log
from sandbox.ownership import Presence, make_private

log = event_log(__name__)

# How long pages are kept that were read.
_KEPT_S = 30.0
_CONNECTIONS = 5

Transaction: TypeAlias = Connection
"""What happens in it happens as a whole. It is opened by whoever decides what belongs together, and
handed to the functions of this room."""

MIGRATIONS = Path(__file__).parent / "migrations"

# What unreleased states kept their revision in: first Alembic's own name, then that of the states
# whose verdicts were others.
_REVISION_TABLES_BEFORE = ("alembic_version", "schema_revision")


@dataclass(frozen=True)
class Database:
    """The state's tables, for whoever hands them to the functions of this room.

    Attributes:
        engine: for this room alone.
        presence: of its file and the folder around it; None where it is no file.
        part: opens a part of the transaction of a group that is committed together; None where
            each transaction is committed by itself.
        groups: for what commits groups, with one connection; None where nothing does.
    """

    engine: Engine
    presence: Presence | None = None
    part: Callable[[], AbstractContextManager[Transaction]] | None = None
    groups: Engine | None = None

    @property
    def engines(self) -> tuple[Engine, ...]:
        """Every engine of it."""
        return (self.engine,) if self.groups is None else (self.engine, self.groups)

    def of_groups(self) -> "Database":
        """This database by a connection that nobody else has, for who commits groups.

        SQLite forgets every page that a connection has read when another one has written, so that
        the next group is quick only where the connection of the last one writes it.
        """
        return self if self.groups is None else replace(self, engine=self.groups)

    @contextmanager
    def transaction(self) -> Iterator[Transaction]:
        """A transaction that is committed at the end, or a typed failure.

        Raises:
            EdgerankError: STORAGE when the database is full, read-only, locked or removed.
        """
        if self.part is not None:
            with translated_failures(), self.part() as transaction:
                yield transaction
            return
        with translated_failures(), self.engine.begin() as connection:
            yield connection
        self.check_present()

    @contextmanager
    def writing(self) -> Iterator[Transaction]:
        """A transaction beside which nobody else writes: what it reads first is so to its end.

        Raises:
            EdgerankError: as `transaction` does.
        """
        with self.transaction() as transaction:
            if self.part is None and self.engine.dialect.name == "sqlite":
                # Not on the engine's event: with one, each statement asks for a dozen of others.
                _begin_at_once(transaction)
            yield transaction

    @contextmanager
    def as_one(self) -> Iterator["Database"]:
        """This database, for work whose transactions are committed together or not at all.

        Raises:
            EdgerankError: as `transaction` does.
        """
        with self.writing() as transaction:
            yield replace(self, part=lambda: nullcontext(transaction))

    def check_present(self) -> None:
        """Refuse to go on without the file: what is committed to a removed one is lost.

        Raises:
            EdgerankError: STORAGE when it, or the folder around it, was removed or replaced.
        """
        gone = self.presence.gone() if self.presence is not None else None
        if gone is not None:
            raise EdgerankError(
                ErrorCode.STORAGE,
                f"{gone} was removed or replaced while this controller served it, and nothing was "
                "acknowledged since; put it back, or begin anew, and start the controller again",
            )

    def close(self) -> None:
        """Closes every connection."""
        for engine in self.engines:
            engine.dispose()


def claim_state(state_dir: Path) -> AbstractContextManager[object]:
    """Makes the state folder, closes it to others, and locks it until the block or process ends.

    Raises:
        EdgerankError: STORAGE when the folder cannot be written, PRECONDITION when another
            controller has it.
    """
    try:
        for path in make_private(state_dir):
            log.warning("open to other users until now", path=path)
        # A kernel's lock or none: a file that means one would outlive a process that was killed.
        return FileLock(state_dir / "controller.lock", fallback_to_soft=False).acquire(
            blocking=False
        )
    except Timeout as error:
        raise EdgerankError(
            ErrorCode.PRECONDITION,
            f"another controller already serves the state folder {state_dir}; "
            "stop it or choose another state folder",
        ) from error
    except OSError as error:
        raise EdgerankError(
            ErrorCode.STORAGE,
            f"cannot write the state folder {state_dir}: {error.strerror}; "
            "make it writable or choose another state folder",
        ) from error


def open_database(url: str) -> Database:
    """The database at `url`, migrated to the newest schema.

    Raises:
        EdgerankError: STORAGE when the database cannot be opened or written, PRECONDITION when a
            newer edgerank wrote it, or one of before the first release.
    """
    with translated_failures():
        _migrate(url)
    return connected_database(url)


def connected_database(url: str, kept_s: float = _KEPT_S) -> Database:
    """The database at `url` as it is, which has the newest schema.

    Where SQLite is it, a connection that is handed back lets go of the pages that it has read if it
    last did `kept_s` ago. Those that read take turns, so that none of them waits for a burst.
    """
    engine = connected_engine(url, kept_s, _CONNECTIONS)
    groups = connected_engine(url, kept_s, connections=1)
    presence = None
    if engine.dialect.name == "sqlite":
        file = Path(str(engine.url.database))
        presence = Presence.of([file.parent, file])
    return Database(engine, presence, groups=groups)


@contextmanager
def translated_failures() -> Iterator[None]:
    """Turns a failing disk or database under the block into one sentence."""
    try:
        yield
    except IntegrityError:
        raise  # A broken rule of the data, which the caller knows how to say.
    except CommandError as error:
        raise EdgerankError(
            ErrorCode.PRECONDITION,
            f"the state's database was written by a newer edgerank ({error}); update this one, or "
            "choose another state folder",
        ) from error
    except DBAPIError as error:
        raise EdgerankError(
            ErrorCode.STORAGE,
            f"the state's database failed: {error.orig}; "
            "check that its disk is writable and has room, nothing recorded was lost",
        ) from error


def _migrate(url: str) -> None:
    """Brings the database to the newest schema, or leaves it as it was."""
    # Of its own: SQLite changes a table by making it anew, which references to its rows forbid
    # where they are enforced; by default they are not.
    engine = create_engine(url)
    if engine.dialect.name == "sqlite":
        event.listen(engine, "begin", _begin_at_once)
    with engine.begin() as connection:
        if any(inspect(connection).has_table(table) for table in _REVISION_TABLES_BEFORE):
            raise EdgerankError(
                ErrorCode.PRECONDITION,
                f"{engine.url.database} was written by an unreleased edgerank, and this one cannot "
                "carry it over; to start anew, name another state folder or move this one away",
            )
        revision = _revision_of(connection)
        # Most starts find nothing to migrate.
        if revision != newest_revision():
            config = migrations_on(connection)
            if engine.dialect.name == "sqlite" and revision is not None:
                _keep_copy(revision, config, Path(str(engine.url.database)))
            command.upgrade(config, "head")
    engine.dispose()


def _revision_of(connection: Connection) -> str | None:
    """The revision that a database has; None where it has no tables yet."""
    options = {"version_table": REVISION_TABLE}
    return MigrationContext.configure(connection, opts=options).get_current_revision()


def _keep_copy(revision: str, config: Config, path: Path) -> None:
    """Copies a database of an older revision before it is migrated.

    Raises:
        CommandError: the revision is one that this edgerank does not know.
        EdgerankError: STORAGE when there is no room for the copy; nothing is changed then.
    """
    ScriptDirectory.from_config(config).get_revision(revision)
    copy = path.with_name(f"{path.name}.of-revision-{revision}")
    copy_database(path, copy)
    log.warning("a copy is kept before the database is migrated", path=copy, revision=revision)


def migrations_on(connection: Connection) -> Config:
    """Alembic, set up to work on this connection with the migrations of this package."""
    config = _migrations()
    config.attributes["connection"] = connection
    return config


def newest_revision() -> str:
    """The revision that this edgerank brings a database to."""
    return str(ScriptDirectory.from_config(_migrations()).get_current_head())


def _migrations() -> Config:
    config = Config()
    config.set_main_option("script_location", os.fspath(MIGRATIONS))
    return config


def _begin_at_once(connection: Connection) -> None:
    # The driver would begin before the first row that is written, and tables changed until then
    # would stay changed when the rest fails.
    connection.exec_driver_sql("BEGIN IMMEDIATE")
