"""Tables of devices: who they are, whether they take jobs, and what befell them."""

from sqlalchemy import (
    JSON,
    BigInteger,
    Column,
    ForeignKey,
    Index,
    Integer,
    String,
    Table,
)

from controller.domain.access import CallerKind
from controller.domain.devices import DeviceCondition, DeviceEventKind
from controller.state.schema.base import metadata
from controller.state.schema.columns import Document, Member
from protos.device import DeviceProfile
from protos.reasons import Reason

devices = Table(
    "devices",
    metadata,
    Column("device_id", String, primary_key=True),
    # What its agent calls itself to us: the device's id, until another agent takes it over.
    Column("agent_id", String, nullable=False, unique=True),
    Column("name", String, nullable=False),
    # What its agent calls itself: a person may have renamed the device since.
    Column("agent_name", String, nullable=False),
    Column("labels", JSON, nullable=False),
    Column("profile", Document(DeviceProfile), nullable=False),
    # What its profile says computes in its place, so that it stands beside each measurement; and by
    # a person's word, which comes first.
    Column("emulator", String, nullable=False),
    Column("emulated_by", String),
    Column("enrolled_at_unix_ms", BigInteger, nullable=False),
    Column("last_seen_at_unix_ms", BigInteger, nullable=False),
    # Of one that a person removed: its measurements stay, its name is free.
    Column("removed_at_unix_ms", BigInteger),
    # Of one of another controller, whose measurements were imported: that one's name.
    Column("origin", String),
)
_IS_THERE = devices.c.removed_at_unix_ms.is_(None)
Index(
    "uq_devices_name",
    devices.c.name,
    unique=True,
    sqlite_where=_IS_THERE,
    postgresql_where=_IS_THERE,
)

# Of devices of which there is something to say; the others take jobs.
device_standings = Table(
    "device_standings",
    metadata,
    Column("device_id", String, ForeignKey("devices.device_id"), primary_key=True),
    Column("condition", Member(DeviceCondition), nullable=False, index=True),
    Column("since_unix_ms", BigInteger),
    Column("caller", Member(CallerKind)),
    Column("caller_name", String, nullable=False),
    Column("reasons", Document(tuple[Reason, ...]), nullable=False),
    # Counted in step with what ends there.
    Column("unreported", Integer, nullable=False),
    Column("failing_backbones", Document(tuple[str, ...]), nullable=False),
)

# What befell devices, in order.
device_events = Table(
    "device_events",
    metadata,
    Column("event_id", Integer, primary_key=True),
    Column("device_id", String, ForeignKey("devices.device_id"), nullable=False),
    Column("at_unix_ms", BigInteger, nullable=False),
    Column("kind", Member(DeviceEventKind), nullable=False),
    Column("caller", Member(CallerKind)),
    Column("caller_name", String, nullable=False),
    # Of one that was renamed.
    Column("name", String, nullable=False),
    Column("former_name", String, nullable=False),
    Column("reasons", Document(tuple[Reason, ...]), nullable=False),
    Index("ix_device_events_device_id_event_id", "device_id", "event_id"),
    # A number that was given is never given again, so that what is newer has a higher one.
    sqlite_autoincrement=True,
)

# Agents whose device another agent took over.
replaced_agents = Table(
    "replaced_agents",
    metadata,
    Column("agent_id", String, primary_key=True),
    Column("device_id", String, ForeignKey("devices.device_id"), nullable=False),
)
