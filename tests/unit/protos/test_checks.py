"""The rules of an examination that both sides share: each has what it fails for."""

import pytest

from protos.checks import (
    EARLIEST_UNIX_MS,
    CheckedSide,
    CheckOutcome,
    clock_found,
    confinement_found,
    descriptors_found,
    platform_found,
    room_found,
)

HOUR_MS = 3_600_000
NOW = EARLIEST_UNIX_MS + 1_000 * HOUR_MS


@pytest.mark.parametrize(
    ("system", "python", "outcome"),
    [
        ("Linux", (3, 10), CheckOutcome.OK),
        ("Linux", (3, 13), CheckOutcome.OK),
        ("Android", (3, 13), CheckOutcome.OK),
        ("Linux", (3, 9), CheckOutcome.FAILED),
        ("Linux", (3, 14), CheckOutcome.FAILED),
        ("Darwin", (3, 12), CheckOutcome.FAILED),
    ],
)
def test_systems_and_pythons(system: str, python: tuple[int, int], outcome: CheckOutcome) -> None:
    assert platform_found(CheckedSide.AGENT, system, "6.8", python).outcome is outcome


@pytest.mark.parametrize(
    ("now_unix_ms", "newest_unix_ms", "outcome"),
    [
        (NOW, 0, CheckOutcome.OK),
        (NOW, NOW + HOUR_MS, CheckOutcome.OK),
        (NOW, NOW + 3 * HOUR_MS, CheckOutcome.WARNING),
        # A board without a battery; one that was set by hand.
        (0, 0, CheckOutcome.FAILED),
        (EARLIEST_UNIX_MS - 1, 0, CheckOutcome.FAILED),
        (EARLIEST_UNIX_MS + 200_000 * HOUR_MS, 0, CheckOutcome.FAILED),
    ],
)
def test_clocks(now_unix_ms: int, newest_unix_ms: int, outcome: CheckOutcome) -> None:
    assert clock_found(CheckedSide.AGENT, now_unix_ms, newest_unix_ms).outcome is outcome


@pytest.mark.parametrize(
    ("limit", "outcome"),
    [
        (-1, CheckOutcome.OK),
        (4_096, CheckOutcome.OK),
        (256, CheckOutcome.WARNING),
        (255, CheckOutcome.FAILED),
    ],
)
def test_descriptors(limit: int, outcome: CheckOutcome) -> None:
    found = descriptors_found(CheckedSide.CONTROLLER, limit, 256, 4_096)
    assert found.outcome is outcome
    assert bool(found.advice) == (outcome is not CheckOutcome.OK)


@pytest.mark.parametrize(("free", "outcome"), [(10, CheckOutcome.OK), (9, CheckOutcome.FAILED)])
def test_room(free: int, outcome: CheckOutcome) -> None:
    assert room_found(CheckedSide.CONTROLLER, "room", "/srv", free, 10).outcome is outcome


def test_what_the_kernel_cannot_hold_is_named() -> None:
    assert confinement_found(CheckedSide.AGENT, [], "all goes on").outcome is CheckOutcome.OK
    found = confinement_found(CheckedSide.AGENT, ["network", "files"], "all goes on")
    assert found.outcome is CheckOutcome.WARNING
    assert "files, network" in found.found
    assert "all goes on" in found.advice
