"""A sweep waits for a device that rests, says for what, and goes on when it is woken."""

from tests.integration.system.conftest import BACKBONES, QUICK_SWEEP, System
from tests.processes import START_TIMEOUT_S, edgerank, running

COMMAND = ("sweep", "--models", BACKBONES[0], "--devices", "pc", *QUICK_SWEEP, "--fresh")


def test_a_sweep_waits_for_a_device_that_rests_and_says_so(system: System) -> None:
    rest = edgerank("devices", "rest", "pc", address=system.address)
    assert rest.returncode == 0, rest.stderr
    with running(*COMMAND, "--controller", system.address) as sweep:
        sweep.output.wait_for("waits for pc, which rests since .*, by who runs the controller")
        woken = edgerank("devices", "wake", "pc", address=system.address)
        assert woken.returncode == 0, woken.stderr
        sweep.output.wait_for(rf"pc  {BACKBONES[0]}  ", START_TIMEOUT_S * 3)
        assert sweep.process.wait(START_TIMEOUT_S) == 0
