"""Agents that come and go at once are one group: each gets its own device, answer and history."""

from collections.abc import Sequence
from dataclasses import replace

from controller.domain.devices import DeviceEventKind
from controller.domain.errors import EdgerankError, ErrorCode
from controller.fleet.arriving.greeting import Coming, greet_each
from controller.state.database import Database
from controller.state.devices import enrol, list_devices
from controller.state.devices.coming import Leaving, leave_each
from controller.state.devices.events import list_events
from protos.fleet import Hello
from tests.integration.controller.domain_samples import hello
from tests.integration.controller.fleet.statements import heard


def came_together(database: Database, hellos: Sequence[Hello]) -> list[str | ErrorCode]:
    """What becomes of agents that come at once, as a group: the names of their devices, or why."""
    greeted = greet_each(database, [Coming(each, is_new=True, now_unix_ms=7) for each in hellos])
    return [each.code if isinstance(each, EdgerankError) else each.hello.name for each in greeted]


def kinds_of(database: Database, device_id: str) -> list[DeviceEventKind]:
    return [each.kind for each in list_events(database, device_id, 10)]


def test_agents_that_come_at_once_are_let_in_together_and_one_of_them_refused_alone(
    database: Database,
) -> None:
    enrol(database, hello("phone"), now_unix_ms=0)
    thief = replace(hello("phone"), device_id="id-of-thief")
    twin = replace(hello("board"), device_id="id-of-twin")
    told = came_together(database, [hello("phone"), thief, hello("board"), twin])
    assert told == ["phone", ErrorCode.NAME_TAKEN, "board", ErrorCode.NAME_TAKEN]
    names = [each.name for each in list_devices(database, frozenset())]
    assert names == ["board", "phone"]
    joined, connected = DeviceEventKind.JOINED, DeviceEventKind.CONNECTED
    assert kinds_of(database, "id-of-board") == [connected, joined]
    assert kinds_of(database, "id-of-phone") == [connected, joined]
    assert kinds_of(database, "id-of-twin") == []


def test_a_name_that_an_agent_gives_up_is_free_for_those_after_it(database: Database) -> None:
    enrol(database, hello("phone"), now_unix_ms=0)
    renamed = replace(hello("phone"), name="old-phone")
    heir = replace(hello("phone"), device_id="id-of-heir")
    assert came_together(database, [renamed]) == ["old-phone"]
    assert came_together(database, [heir]) == ["phone"]
    assert DeviceEventKind.RENAMED in kinds_of(database, "id-of-phone")


def test_devices_that_go_at_once_are_remembered_each_and_a_forgotten_one_is_not(
    database: Database,
) -> None:
    came_together(database, [hello("phone"), hello("board")])
    going = [
        Leaving("id-of-phone", 9, DeviceEventKind.LOST),
        Leaving("id-of-nobody", 9, DeviceEventKind.LOST),
        Leaving("id-of-board", 8, None),
    ]
    assert leave_each(database, going) == [None] * 3
    seen = {each.name: each.last_seen_at_unix_ms for each in list_devices(database, frozenset())}
    assert seen == {"phone": 9, "board": 8}
    assert kinds_of(database, "id-of-phone")[0] is DeviceEventKind.LOST
    assert kinds_of(database, "id-of-board")[0] is DeviceEventKind.CONNECTED


def test_a_group_of_greetings_asks_as_much_as_one(database: Database) -> None:
    counts = []
    for some in (["phone"], [f"board-{number}" for number in range(8)]):
        with heard(database) as asked:
            came_together(database, [hello(name) for name in some])
        counts.append(len(asked))
    assert counts[0] == counts[1]
