"""All that is written and read when an agent says who it is: one step of the thread that writes."""

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
        has_come: whether it is remembered already that it came.
    """

    hello: Hello
    out: dict[str, Lease]
    has_come: bool


def greet(database: Database, hello: Hello, is_new: bool, now_unix_ms: int) -> Greeted:
    """Remembers the device of an agent, with the labels that its token gave it, if it is a member.

    `is_new` is one whose device had no session when it said so; that it came is remembered at once,
    unless it speaks for another device than its own.

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
    comes = is_new and enrolled.device_id == hello.device_id
    if comes:
        came(database, enrolled.device_id, now_unix_ms)
    return Greeted(known, leases_of_device(database, enrolled.device_id), comes)
