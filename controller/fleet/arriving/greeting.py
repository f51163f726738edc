"""All that is written and read when an agent says who it is: one step of the thread that writes."""

from collections.abc import Container
from dataclasses import dataclass, replace

from controller.state.access.members import labels_of_member
from controller.state.attempts import leases_of_device
from controller.state.database import Database
from controller.state.devices import came, enrol
from protos.device import DeviceProfile
from protos.fleet import Hello, Lease


@dataclass(frozen=True)
class Greeted:
    """An agent whose device is known now.

    Attributes:
        hello: what it said, with the id and the name of the device that it speaks for; of the
            profile, which is stored, only what the fleet asks for while the agent is connected.
        out: the leases that are out to the device, by attempt.
        was_connected: whether the device had a session; else it is remembered that it came.
    """

    hello: Hello
    out: dict[str, Lease]
    was_connected: bool


def greet(database: Database, hello: Hello, connected: Container[str], now_unix_ms: int) -> Greeted:
    """Remembers the device of an agent, with the labels that its token gave it, if it is a member.

    `connected` are the devices that have a session.

    Raises:
        EdgerankError: as `enrol` does.
    """
    labels = {**hello.labels, **(labels_of_member(database, hello.device_id) or {})}
    enrolled = enrol(database, replace(hello, labels=labels), now_unix_ms)
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
    was_connected = enrolled.device_id in connected
    if not was_connected:
        came(database, enrolled.device_id, now_unix_ms)
    return Greeted(known, leases_of_device(database, enrolled.device_id), was_connected)
