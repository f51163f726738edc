"""Read by the process that a fleet's are forked from: what each would else read for itself.

It begins a database, too, and forgets it: most of what a controller's first statements cost is
what SQLAlchemy, alembic and the codecs find out once a process.
"""

import gc
import tempfile
from pathlib import Path

import tests.faults.simulated_agent
import tests.faults.simulated_controller  # noqa: F401
from controller.state.catalog.accuracy import store_catalog
from controller.state.catalog.own_models import list_own_models
from controller.state.database import open_database
from models.catalog.catalog import load_catalog


def _begin_a_database() -> None:
    with tempfile.TemporaryDirectory() as folder:
        database = open_database(f"sqlite:///{Path(folder) / 'controller.sqlite'}")
        list_own_models(database)
        store_catalog(database, load_catalog())
        database.close()


_begin_a_database()
# What is never looked at again stays shared: a fork that collects garbage would copy all of it.
gc.collect()
gc.freeze()
