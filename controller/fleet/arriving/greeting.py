"""All that is written and read when agents say who they are: one step of the thread that writes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

from controller.domain.devices import DeviceEvent, DeviceEventKind
from controller.domain.errors import EdgerankError
from controller.fleet.leasing.one_each import of_one_each
from controller.state.access.members import labels_of_members
from controller.state.attempts import leases_of_devices
from controller.state.database import Database
from controller.state.devices.coming import Enrolled, Greeting, enrol_each
from controller.state.devices.events import add_events
from protos.device import DeviceProfile
from protos.fleet import Hello, Lease


@dataclass(frozen=True)
class Coming:
    """An agent that says who it is.

    Attributes:
        hello: what it says.
        is_new: whether its device had no session then: that it came is remembered at once, unless
            it speaks for another device than its own.
        now_unix_ms: when.
    """

    hello: Hello
    is_new: bool
    now_unix_ms: int


@dataclass(frozen=True)
class Greeted:
    """An agent whose device is known now.

    Attributes:
        hello: what it said, with the id and the name of the device that it speaks for; of the
            profile, which is stored, only what the fleet asks for while the agent is connected.
        out: the leases that are out to the device, by attempt.
        has_come: whether it is remembered already that it came.
    """

    hello: Hello
    out: dict[str, Lease]
    has_come: bool


def greet_each(database: Database, coming: Sequence[Coming]) -> list[Greeted | EdgerankError]:
    """Remembers the devices of agents, those of members with the labels that tokens gave them.

    Returns:
        For each its device, or why it is refused, as `enrol_each` does.
    """
    return of_one_each(coming, lambda each: each.hello.device_id, partial(_greet, database))


def _greet(database: Database, coming: Sequence[Coming]) -> list[Greeted | EdgerankError]:
    """Remembers the devices of different agents."""
    with database.writing() as transaction:
        given = labels_of_members(transaction, [each.hello.device_id for each in coming])
        enrolled = enrol_each(transaction, [_with_labels(each, given) for each in coming])
        let_in = [each.device_id for each in enrolled if isinstance(each, Enrolled)]
        out = leases_of_devices(transaction, let_in)
        greeted = [
            _greeted(each, device, out) if isinstance(device, Enrolled) else device
            for each, device in zip(coming, enrolled, strict=True)
        ]
        add_events(
            transaction,
            [
                (each.hello.device_id, _connected(came.now_unix_ms))
                for came, each in zip(coming, greeted, strict=True)
                if isinstance(each, Greeted) and each.has_come
            ],
        )
    return greeted


def _with_labels(coming: Coming, given: Mapping[str, Mapping[str, str]]) -> Greeting:
    hello = coming.hello
    labels = {**hello.labels, **given.get(hello.device_id, {})}
    return Greeting(replace(hello, labels=labels), coming.now_unix_ms)


def _greeted(coming: Coming, enrolled: Enrolled, out: Mapping[str, dict[str, Lease]]) -> Greeted:
    hello = coming.hello
    # A person may have renamed it, or let its agent take it over.
    known = replace(
        hello,
        device_id=enrolled.device_id,
        name=enrolled.name,
        labels={},
        profile=DeviceProfile(
            architecture=hello.profile.architecture, hostname=hello.profile.hostname
        ),
    )
    has_come = coming.is_new and enrolled.device_id == hello.device_id
    return Greeted(known, out[enrolled.device_id], has_come)


def _connected(now_unix_ms: int) -> DeviceEvent:
    return DeviceEvent(at_unix_ms=now_unix_ms, kind=DeviceEventKind.CONNECTED)
