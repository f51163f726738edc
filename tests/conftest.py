"""What holds for every test."""

import gc
import os
import signal
from collections.abc import Iterator

import pytest
from hypothesis import settings

from tests.processes.tools import share_tools
from tests.processes.warm import start_from_here

# How long an example takes is the machine's affair; a stall is no defect of what is tested.
settings.register_profile("busy machine", deadline=None)
settings.load_profile("busy machine")
# A shell's background jobs pass Ctrl-C over, and so would all that they start.
signal.signal(signal.SIGINT, signal.default_int_handler)
# What nohup has passed over is passed over here alone: a handler is inherited by nobody, and phones
# end by this signal what their shells run.
if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
    signal.signal(signal.SIGHUP, lambda *_: None)
start_from_here()
share_tools()


@pytest.hookimpl(hookwrapper=True)
def pytest_collection() -> Iterator[None]:
    """Modules and tests stay until the end: no search for garbage is to walk through them."""
    gc.disable()
    yield
    gc.collect()
    gc.freeze()
    gc.enable()


@pytest.fixture(autouse=True, scope="module")
def umask() -> Iterator[None]:
    """What a command that runs in the tests' own process sets is no other test's."""
    before = os.umask(0o022)
    os.umask(before)
    yield
    os.umask(before)
