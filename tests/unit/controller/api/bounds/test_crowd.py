"""As many calls go on as there is room for, of each caller and of all."""

from contextlib import ExitStack

import pytest

from controller.access.callers import Shown
from controller.api.limits import DEFAULTS, ROOMS, Load, Room
from controller.api.rpc.held.crowd import Crowd
from controller.api.rpc.held.holding import counted_unknown
from controller.domain.errors import EdgerankError, ErrorCode


def is_let_in(crowd: Crowd, held: ExitStack, who: str | None, load: Load = Load.UPLOAD) -> bool:
    try:
        held.enter_context(crowd.counted(load, who))
    except EdgerankError as error:
        return error.code is not ErrorCode.LIMIT
    return True


@pytest.fixture
def crowd() -> Crowd:
    return Crowd({**ROOMS, Load.UPLOAD: Room(a_caller=2, in_all=3)})


def test_a_caller_and_all_have_their_limits(crowd: Crowd) -> None:
    with ExitStack() as held:
        assert [is_let_in(crowd, held, "ada") for _ in range(3)] == [True, True, False]
        assert [is_let_in(crowd, held, "ben") for _ in range(2)] == [True, False]
        assert is_let_in(crowd, held, "ada", Load.MOMENT)


def test_who_is_not_asked_for_a_name_is_held_by_the_limit_of_all(crowd: Crowd) -> None:
    with ExitStack() as held:
        assert [is_let_in(crowd, held, None) for _ in range(4)] == [True, True, True, False]


def test_what_ends_makes_room_and_leaves_nothing_behind(crowd: Crowd) -> None:
    for number in range(1_000):
        with ExitStack() as held:
            assert is_let_in(crowd, held, f"caller {number}")
    assert not crowd._of_caller
    assert not any(crowd._in_all.values())


def test_every_kind_has_room_for_a_caller_and_more_for_all() -> None:
    assert set(ROOMS) == set(Load)
    assert all(1 <= room.a_caller <= room.in_all <= DEFAULTS.calls for room in ROOMS.values())


@pytest.mark.parametrize(
    ("descriptors", "ports", "connections"),
    [
        (16_896, 2, (4_000, 12_000)),
        (1_000_000, 1, (12_000,)),
        (1_024, 1, (576,)),
        (1_024, 2, (144, 431)),
        (100, 2, (1, 1)),
    ],
)
def test_descriptors_are_shared_among_ports_and_some_are_kept(
    descriptors: int, ports: int, connections: tuple[int, ...]
) -> None:
    assert DEFAULTS.connections_of_ports(descriptors, ports) == connections


def test_while_nobody_knows_them_devices_count_by_certificate_and_strangers_by_address() -> None:
    of_fleet = [
        counted_unknown(Shown("ipv4:192.0.2.1:1", certificate_pem=pem)) for pem in (b"a", b"b")
    ]
    strangers = [counted_unknown(Shown(f"ipv4:192.0.2.1:{port}")) for port in (1, 2)]
    assert len({*of_fleet, *strangers}) == 3
    assert counted_unknown(Shown("ipv4:192.0.2.7:1", certificate_pem=b"a")) == of_fleet[0]
    assert counted_unknown(Shown("ipv4:127.0.0.1:1")) is None
