"""What began to come and is not whole is known by what the kernel and gRPC tell, and bounded."""

from collections.abc import Mapping
from contextlib import closing
from ipaddress import ip_address
from typing import Final

from controller.access.connections import Held
from controller.access.local_peers import Endpoint
from controller.api.rpc.held.begun import Beginnings

MOST_BYTES: Final = 10_000_000
LONG_BYTES: Final = 4_000_000
HOUR_S: Final = 3_600.0


def peer(number: int) -> str:
    return f"ipv4:192.0.2.{number}:1"


def end(number: int) -> Endpoint:
    return Endpoint(ip_address(f"192.0.2.{number}"), 1)


def begun(*numbers: int) -> Beginnings:
    """A call in each of these connections."""
    beginnings = Beginnings(MOST_BYTES)
    for number in numbers:
        beginnings.incoming(peer(number))
    return beginnings


def say(beginnings: Beginnings, number: int, size_bytes: int) -> None:
    """A message comes whole in a call of its own."""
    with closing(beginnings.incoming(peer(number))) as coming:
        coming.begins()
        coming.ends(size_bytes)


def ended(
    beginnings: Beginnings, received: Mapping[int, int], passed_s: float = 1, *, life: int = 1
) -> list[int]:
    """Whose connections are ended, each the so manieth by its port."""
    return ended_of(
        beginnings, {(number, life): came for number, came in received.items()}, passed_s
    )


def ended_of(
    beginnings: Beginnings, received: Mapping[tuple[int, int], int], passed_s: float = 1
) -> list[int]:
    """The same of connections by their peers and inodes."""
    held = {
        Held(number, end(number), 1, inode=1_000 * number + inode): came
        for (number, inode), came in received.items()
    }
    surplus = beginnings.weigh(held, passed_s)
    return [int(str(each.peer.address).rpartition(".")[2]) for each in surplus]


def test_what_began_is_left_alone_while_all_of_it_fits() -> None:
    assert not ended(begun(1, 2), {1: LONG_BYTES, 2: LONG_BYTES})


def test_where_most_began_is_ended_until_the_rest_fits() -> None:
    received = {1: LONG_BYTES, 2: 3 * LONG_BYTES, 3: 2 * LONG_BYTES, 4: LONG_BYTES}
    assert ended(begun(*received), received) == [2, 3]


def test_what_came_whole_is_not_counted() -> None:
    beginnings = begun(1, 2)
    say(beginnings, 1, 5 * LONG_BYTES)
    received = {1: 5 * LONG_BYTES, 2: 2 * LONG_BYTES}
    assert not ended(beginnings, received)
    # It began before the look, and came whole after it.
    say(beginnings, 2, 2 * LONG_BYTES)
    assert not ended(beginnings, {1: 7 * LONG_BYTES, 2: 2 * LONG_BYTES})


def test_who_said_much_whole_long_ago_may_begin_no_more_for_it() -> None:
    beginnings = begun(1)
    for hour in range(24):
        say(beginnings, 1, LONG_BYTES)
        assert not ended(beginnings, {1: (hour + 1) * LONG_BYTES}, HOUR_S)
    assert ended(beginnings, {1: 28 * LONG_BYTES}) == [1]


def test_what_is_said_besides_for_weeks_is_not_taken_for_a_beginning() -> None:
    many = range(1, 200)
    beginnings = begun(*many)
    for hour in range(500):
        # A ping every ten seconds, and a beat that is heard.
        for number in many:
            say(beginnings, number, 40)
        received = dict.fromkeys(many, (hour + 1) * (360 * 60 + 140))
        assert not ended(beginnings, received, HOUR_S)


def test_a_fleet_of_short_messages_that_come_in_part_is_left_alone() -> None:
    many = range(1, 200)
    assert not ended(begun(*many), dict.fromkeys(many, 200_000))


def test_connections_that_ended_are_forgotten_and_new_ones_are_not() -> None:
    beginnings = begun(1, 2)
    # The second may have come after the kernel was asked.
    ended(beginnings, {1: 100})
    assert beginnings.connections == 2
    ended(beginnings, {2: 100})
    assert beginnings.connections == 2
    ended(beginnings, {2: 100})
    assert beginnings.connections == 1


def test_what_began_in_a_connection_that_ended_is_gone() -> None:
    beginnings = begun(1, 2)
    assert ended(beginnings, {1: 2 * LONG_BYTES, 2: 3 * LONG_BYTES}) == [2]
    assert not ended(beginnings, {1: 2 * LONG_BYTES})


def test_what_comes_whole_between_the_pieces_of_another_message_is_counted() -> None:
    beginnings = begun(1)
    pieces = beginnings.incoming(peer(1))
    pieces.begins()
    for _ in range(3):
        say(beginnings, 1, LONG_BYTES)
    assert ended(beginnings, {1: 3 * LONG_BYTES}) == [1]
    pieces.ends(1_000)
    assert not ended(beginnings, {1: 3 * LONG_BYTES})


def test_a_connection_in_which_something_is_waited_for_is_not_forgotten() -> None:
    beginnings = begun()
    waited = beginnings.incoming(peer(1))
    waited.begins()
    for _ in range(3):
        ended(beginnings, {})
    assert beginnings.connections == 1
    waited.ends(None)
    ended(beginnings, {})
    assert not beginnings.connections


def test_what_was_heard_in_a_connection_is_no_credit_of_the_next_by_the_same_port() -> None:
    beginnings = begun()
    say(beginnings, 1, 5 * LONG_BYTES)
    assert not ended(beginnings, {1: 5 * LONG_BYTES})
    say(beginnings, 1, 5 * LONG_BYTES)
    beginnings.incoming(peer(1))
    assert ended(beginnings, {1: 3 * LONG_BYTES}, life=2) == [1]
    assert ended(beginnings, {1: 3 * LONG_BYTES}, life=2) == [1]


def test_nor_where_the_kernel_was_not_asked_in_between() -> None:
    beginnings = begun()
    say(beginnings, 1, 5 * LONG_BYTES)
    beginnings.incoming(peer(1))
    assert ended(beginnings, {1: 3 * LONG_BYTES}) == [1]


def test_nor_where_a_call_of_the_one_before_is_not_at_its_end_yet() -> None:
    beginnings = begun(1)
    assert not ended(beginnings, {1: 1_000})
    say(beginnings, 1, 5 * LONG_BYTES)
    assert ended(beginnings, {1: 3 * LONG_BYTES}, life=2) == [1]


def test_what_comes_whole_in_the_next_connection_by_the_same_port_is_not_counted() -> None:
    beginnings = begun()
    say(beginnings, 1, 5 * LONG_BYTES)
    assert not ended(beginnings, {1: 5 * LONG_BYTES})
    stream = beginnings.incoming(peer(1))
    stream.begins()
    stream.ends(4 * LONG_BYTES)
    assert not ended(beginnings, {1: 4 * LONG_BYTES}, life=2)
    stream.begins()
    assert ended(beginnings, {1: 7 * LONG_BYTES}, life=2) == [1]


def test_where_no_call_goes_on_nothing_is_kept() -> None:
    beginnings = begun()
    say(beginnings, 1, 5 * LONG_BYTES)
    assert not ended(beginnings, {1: 5 * LONG_BYTES})
    beginnings.incoming(peer(1))
    assert not ended(beginnings, {1: 6 * LONG_BYTES})


def test_what_came_by_one_port_to_two_addresses_of_ours_is_summed() -> None:
    beginnings = begun(1)
    assert ended_of(beginnings, {(1, 1): 2 * LONG_BYTES, (1, 2): LONG_BYTES}) == [1]
    # Another one comes while a call of the first goes on.
    say(beginnings, 1, 5 * LONG_BYTES)
    assert ended_of(beginnings, {(1, 1): 2 * LONG_BYTES, (1, 3): 3 * LONG_BYTES}) == [1]
