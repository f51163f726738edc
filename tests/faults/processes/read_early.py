"""Read by the process that a fleet's are forked from: what each would else read for itself."""

import encodings.idna  # noqa: F401
import gc
import os

import cryptography.hazmat.backends.openssl.backend  # noqa: F401

# Read where a job's figures are derived: a third of what a controller computes in a schedule.
import scipy.stats  # noqa: F401

import tests.faults.simulated_agent
import tests.faults.simulated_controller  # noqa: F401
from tests.processes.states import read_what_databases_read

read_what_databases_read()
# A terminal's Ctrl-C is for who drives the fleets and ends them; one that heard it, too, would have
# ended of itself.
os.setpgid(0, 0)
# What is never looked at again stays shared: a fork that collects garbage would copy all of it.
gc.collect()
gc.freeze()
