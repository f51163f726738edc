"""Databases of controllers, copied from one that is made once: a copy costs little."""

import atexit
import functools
import shutil
import tempfile
from pathlib import Path

from controller.state.catalog.accuracy import store_catalog
from controller.state.catalog.own_models import list_own_models
from controller.state.database import Database, open_database
from models.catalog.catalog import load_catalog

_NAME = "controller.sqlite"


def begun_database(folder: Path) -> Database:
    """A database as a controller has it at its first start, in the folder of its state."""
    place = folder / _NAME
    shutil.copyfile(_made_once(), place)
    return open_database(f"sqlite:///{place}")


def read_what_databases_read() -> None:
    """Has SQLAlchemy, alembic, the codecs and the catalog find out what they do once a process."""
    with tempfile.TemporaryDirectory() as folder:
        database = open_database(f"sqlite:///{Path(folder) / _NAME}")
        list_own_models(database)
        store_catalog(database, load_catalog())
        database.close()


@functools.cache
def _made_once() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="edgerank-begun-"))
    atexit.register(shutil.rmtree, folder)
    database = open_database(f"sqlite:///{folder / _NAME}")
    store_catalog(database, load_catalog())
    database.close()
    return folder / _NAME
