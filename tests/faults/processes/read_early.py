"""Read by the process that a fleet's are forked from: what each would else read for itself."""

import gc

import tests.faults.simulated_agent
import tests.faults.simulated_controller  # noqa: F401
from tests.processes.states import read_what_databases_read

read_what_databases_read()
# What is never looked at again stays shared: a fork that collects garbage would copy all of it.
gc.collect()
gc.freeze()
