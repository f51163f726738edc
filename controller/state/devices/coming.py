"""Devices whose agents come and go: what concerns many of them is read and written together."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, bindparam, insert, select, update

from controller.domain.access import Caller
from controller.domain.devices import DeviceEvent, DeviceEventKind
from controller.domain.errors import EdgerankError, ErrorCode
from controller.state.database import Database, Transaction
from controller.state.devices.events import add_events
from controller.state.schema import devices, replaced_agents
from controller.state.schema.many_rows import change_rows, in_few_lengths, write_rows
from protos.fleet import Hello

# What agents that come and go ask for is put together once.
_ADD = insert(devices)
_CHANGE = update(devices).where(devices.c.device_id == bindparam("of_device"))
_OF_AGENTS = select(
    devices.c.device_id,
    devices.c.agent_id,
    devices.c.name,
    devices.c.agent_name,
    devices.c.removed_at_unix_ms,
    devices.c.origin,
).where(devices.c.agent_id.in_(bindparam("of_agents", expanding=True)))
_REPLACED = (
    select(replaced_agents.c.agent_id, devices.c.name)
    .join(replaced_agents, replaced_agents.c.device_id == devices.c.device_id)
    .where(replaced_agents.c.agent_id.in_(bindparam("of_agents", expanding=True)))
)
_HOLDERS = select(devices.c.name, devices.c.device_id).where(
    devices.c.name.in_(bindparam("of_names", expanding=True)),
    devices.c.removed_at_unix_ms.is_(None),
)
_KNOWN = select(devices.c.device_id).where(
    devices.c.device_id.in_(bindparam("of_devices", expanding=True))
)


@dataclass(frozen=True)
class Greeting:
    """What an agent says of its device, and when."""

    hello: Hello
    now_unix_ms: int


@dataclass(frozen=True)
class Enrolled:
    """The device that an agent speaks for."""

    device_id: str
    name: str


@dataclass(frozen=True)
class Leaving:
    """That a device was last there, and how it went; None is by this side's doing."""

    device_id: str
    seen_at_unix_ms: int
    kind: DeviceEventKind | None


@dataclass(frozen=True)
class _Entry:
    """A device as it is to be remembered; `before` is what is known of it, None of a new one."""

    device_id: str
    name: str
    before: Row[Any] | None
    greeting: Greeting

    @property
    def takes_name(self) -> bool:
        """Whether it is to have a name that it does not have now."""
        return self.joins or (self.before is not None and self.before.name != self.name)

    @property
    def joins(self) -> bool:
        """Whether it is of the fleet from now on."""
        return self.before is None or self.before.removed_at_unix_ms is not None


def enrol_each(
    transaction: Transaction, greetings: Sequence[Greeting]
) -> list[Enrolled | EdgerankError]:
    """Remembers devices, or what is new of those that are known.

    A device that a person renamed keeps that name until its agent calls itself something else.

    Args:
        transaction: the caller's, which writes.
        greetings: of different agents.

    Returns:
        For each its device, or why it is refused: NAME_TAKEN when another device has the name,
        INVALID_INPUT when another agent took its device over.
    """
    agent_ids = [each.hello.device_id for each in greetings]
    found = transaction.execute(_OF_AGENTS, {"of_agents": in_few_lengths(agent_ids)})
    known = {row.agent_id: row for row in found}
    replaced = _replaced(transaction, [each for each in agent_ids if each not in known])
    entries = [_entry(each, known.get(each.hello.device_id)) for each in greetings]
    holders = holders_of(transaction, {each.name for each in entries if each.takes_name})
    judged: list[_Entry | EdgerankError] = []
    for entry in entries:
        refused = _refused(entry, replaced, holders)
        judged.append(refused or entry)
        if refused is None and entry.takes_name:
            holders[entry.name] = entry.device_id
    _keep(transaction, [each for each in judged if isinstance(each, _Entry)])
    return [
        Enrolled(each.device_id, each.name) if isinstance(each, _Entry) else each for each in judged
    ]


def leave_each(database: Database, leaving: Sequence[Leaving]) -> list[None]:
    """Remembers when devices were last there, and how they went."""
    ids = [each.device_id for each in leaving]
    with database.writing() as transaction:
        known = set(transaction.scalars(_KNOWN, {"of_devices": in_few_lengths(ids)}))
        gone = [each for each in leaving if each.device_id in known]
        # A device may leave twice.
        last = {each.device_id: each.seen_at_unix_ms for each in gone}
        seen = [{"of_device": of, "last_seen_at_unix_ms": at} for of, at in last.items()]
        if seen:
            change_rows(transaction, _CHANGE, seen)
        add_events(
            transaction,
            [
                (each.device_id, DeviceEvent(at_unix_ms=each.seen_at_unix_ms, kind=each.kind))
                for each in gone
                if each.kind is not None
            ],
        )
    return [None] * len(leaving)


def holders_of(transaction: Transaction, names: Collection[str]) -> dict[str, str]:
    """The ids of the devices of the fleet that have these names, by name."""
    if not names:
        return {}
    return dict(
        transaction.execute(_HOLDERS, {"of_names": in_few_lengths(list(names))}).tuples().all()
    )


def name_taken(name: str) -> EdgerankError:
    """Why a device cannot have a name."""
    return EdgerankError(
        ErrorCode.NAME_TAKEN,
        f"another device is already named {name!r}; give this one another name, or rename or "
        "remove the other",
    )


def renamed(before: str, name: str, by: Caller | None, now_unix_ms: int) -> DeviceEvent:
    """That a device has another name, by a person's word or by its agent's."""
    return DeviceEvent(
        at_unix_ms=now_unix_ms,
        kind=DeviceEventKind.RENAMED,
        caller=None if by is None else by.caller,
        caller_name="" if by is None else by.caller_name,
        name=name,
        former_name=before,
    )


def _replaced(transaction: Transaction, agent_ids: Sequence[str]) -> Mapping[str, str]:
    """The names of the devices that were these agents', by their ids."""
    if not agent_ids:
        return {}
    return dict(
        transaction.execute(_REPLACED, {"of_agents": in_few_lengths(agent_ids)}).tuples().all()
    )


def _entry(greeting: Greeting, before: Row[Any] | None) -> _Entry:
    hello = greeting.hello
    if before is None:
        return _Entry(hello.device_id, hello.name, None, greeting)
    is_renamed = before.agent_name == hello.name
    return _Entry(before.device_id, before.name if is_renamed else hello.name, before, greeting)


def _refused(
    entry: _Entry, replaced: Mapping[str, str], holders: Mapping[str, str]
) -> EdgerankError | None:
    agent_id = entry.greeting.hello.device_id
    if agent_id in replaced:
        return EdgerankError(
            ErrorCode.INVALID_INPUT,
            f"another agent has taken over the device {replaced[agent_id]!r}, which was this "
            "one's; to join as another device, start with a new state folder and a new name",
        )
    if entry.before is not None and entry.before.origin is not None:
        return EdgerankError(
            ErrorCode.INVALID_INPUT,
            f"{entry.before.name!r} is a device of another controller, for which no agent speaks; "
            "start with a new state folder",
        )
    if entry.takes_name and holders.get(entry.name, entry.device_id) != entry.device_id:
        return name_taken(entry.name)
    return None


def _keep(transaction: Transaction, entries: Sequence[_Entry]) -> None:
    new = [_told(each) | _first_told(each) for each in entries if each.before is None]
    if new:
        write_rows(transaction, _ADD, new)
    changed = [_told(each) | {"of_device": each.device_id} for each in entries if each.before]
    if changed:
        change_rows(transaction, _CHANGE, changed)
    add_events(
        transaction, [(each.device_id, event) for each in entries for event in _events(each)]
    )


def _told(entry: _Entry) -> dict[str, object]:
    hello = entry.greeting.hello
    return {
        "name": entry.name,
        "agent_name": hello.name,
        "labels": dict(hello.labels),
        "profile": hello.profile,
        "emulator": hello.profile.emulator,
        "last_seen_at_unix_ms": entry.greeting.now_unix_ms,
        "removed_at_unix_ms": None,
    }


def _first_told(entry: _Entry) -> dict[str, object]:
    return {
        "device_id": entry.device_id,
        "agent_id": entry.device_id,
        "enrolled_at_unix_ms": entry.greeting.now_unix_ms,
    }


def _events(entry: _Entry) -> list[DeviceEvent]:
    now_unix_ms = entry.greeting.now_unix_ms
    events = []
    if entry.joins:
        events.append(DeviceEvent(at_unix_ms=now_unix_ms, kind=DeviceEventKind.JOINED))
    if entry.before is not None and entry.before.name != entry.name:
        events.append(renamed(entry.before.name, entry.name, None, now_unix_ms))
    return events
