"""Devices are meant by name, by label, or all; a name is held to, a label takes who is there."""

from dataclasses import replace

import pytest

from controller.domain.errors import EdgerankError, ErrorCode, Refused
from controller.sweeps.choosing import choose_devices
from controller.sweeps.planning import plan_sweep
from models.catalog.catalog import load_catalog
from protos.runtimes import Runtime, RuntimeInfo
from tests.unit.controller.sweeps.test_planning import SPEC, device

ROCK = replace(device("rock"), labels={"soc": "rk3588", "site": "lab"})
ROLL = replace(device("roll"), labels={"soc": "rk3588"})
AWAY = replace(device("away", connected=False), labels={"soc": "rk3588", "site": "attic"})
PC = device("pc")
FLEET = (AWAY, PC, ROCK, ROLL)


def chosen(*wanted: str) -> tuple[list[str], list[str]]:
    found = choose_devices(wanted, FLEET)
    return [each.name for each in found.devices], [each[6:] for each in found.named]


@pytest.mark.parametrize(
    ("wanted", "names", "named"),
    [
        ((), ["pc", "rock", "roll"], []),
        (("soc=rk3588",), ["rock", "roll"], []),
        (("away", "pc"), ["away", "pc"], ["away", "pc"]),
        (("site=lab", "pc"), ["rock", "pc"], ["pc"]),
        # Each once, and what is named is named.
        (("soc=rk3588", "rock", "rock"), ["rock", "roll"], ["rock"]),
    ],
)
def test_a_label_is_every_connected_device_that_has_it(
    wanted: tuple[str, ...], names: list[str], named: list[str]
) -> None:
    assert chosen(*wanted) == (names, named)


@pytest.mark.parametrize(
    ("wanted", "code", "hint"),
    [
        ("soc=rk3566", ErrorCode.UNKNOWN_NAME, "nearest: soc=rk3588"),
        ("room=lab", ErrorCode.UNKNOWN_NAME, "'room=lab'"),
        ("site=attic", ErrorCode.PRECONDITION, "start the agent of away"),
    ],
)
def test_a_label_that_means_no_device_says_which_there_are(
    wanted: str, code: ErrorCode, hint: str
) -> None:
    with pytest.raises(EdgerankError, match=hint) as refused:
        choose_devices((wanted,), FLEET)
    assert refused.value.code is code


def test_what_one_device_of_a_label_cannot_do_is_left_out_whether_or_not_it_is_named() -> None:
    only = (RuntimeInfo(runtime=Runtime.ONNXRUNTIME, version="1"),)
    roll = replace(ROLL, profile=replace(ROLL.profile, runtimes=only))
    fleet, spec = (ROCK, roll), replace(SPEC, threads=(1,))
    for wanted in (("soc=rk3588",), ("soc=rk3588", "roll")):
        plan = plan_sweep(replace(spec, devices=wanted), fleet, load_catalog())
        measured = {(job.device_id, job.settings.runtime) for job in plan.jobs}
        assert ("id-of-roll", Runtime.PADDLELITE) not in measured
        assert len(measured) == 3
        assert len(plan.left_out) == 1
    with pytest.raises(Refused):
        plan_sweep(replace(spec, devices=("roll",)), fleet, load_catalog())
