"""What one peer, and all of them together, may hold of a controller: the one place of its limits.

How long each message of an agent may be stands beside what decodes it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Final, NamedTuple


class Load(Enum):
    """What a call costs a controller for as long as it goes on."""

    MOMENT = "short calls"
    COMPUTING = "calls that compute over all figures"
    FOLLOWING = "calls that follow what goes on"
    UPLOAD = "uploads"
    DOWNLOAD = "downloads of artifacts"
    SESSION = "streams of agents"
    STRANGER = "calls of strangers"
    """Of who shows nothing, whatever they ask."""
    UNKNOWN = "calls of who is not known yet"
    """For as long as it is looked up whose what they show is."""


class Room(NamedTuple):
    """How many calls of a kind may go on at once, or how many of their bytes may be there.

    Attributes:
        a_caller: of one token, device or certificate, or of one address where strangers call from.
            Who runs the controller, and everybody where nobody is asked who they are, is held by
            `in_all` only; of bytes each of their connections, or streams of agents, has as much.
        in_all: of everybody.
    """

    a_caller: int
    in_all: int


ROOMS: Final[Mapping[Load, Room]] = {
    Load.MOMENT: Room(a_caller=100, in_all=4_000),
    # Each takes a thread and reads every measurement.
    Load.COMPUTING: Room(a_caller=16, in_all=64),
    Load.FOLLOWING: Room(a_caller=1_000, in_all=4_000),
    Load.UPLOAD: Room(a_caller=4, in_all=16),
    # Each holds two or three megabytes; who is refused asks again a moment later.
    Load.DOWNLOAD: Room(a_caller=4, in_all=256),
    # A device has one; the one before may not have ended yet.
    Load.SESSION: Room(a_caller=4, in_all=12_000),
    # Whole rooms of devices stand behind one address.
    Load.STRANGER: Room(a_caller=256, in_all=2_000),
    Load.UNKNOWN: Room(a_caller=1_000, in_all=12_000),
}

# What may be kept of these is 64, 240 and 256 MB.
STRANGERS_HEARD: Final = Room(a_caller=4, in_all=32)
DEVICES_HEARD: Final = Room(a_caller=8, in_all=14)
PEOPLE_HEARD: Final = Room(a_caller=8, in_all=128)

# As many as one profile takes; and as of thirty of the longest measurements, or 2,000 usual ones.
REPORTS_BYTES: Final = Room(a_caller=40_000_000, in_all=256_000_000)

# Of the greetings that wait in line: as long ones as a device has streams, and a thousand of all.
GREETINGS_BYTES: Final = Room(a_caller=4 << 16, in_all=64_000_000)

# Of what people ask and are told while it is there; decoded, a request takes some times as much.
REQUESTS_BYTES: Final = Room(a_caller=8_000_000, in_all=64_000_000)
ANSWERS_MADE: Final = Room(a_caller=8, in_all=64)
ANSWERS_BYTES: Final = Room(a_caller=32_000_000, in_all=256_000_000)

# Of all descriptors, one in so many at most is for who asks over HTTP.
_WEB_SHARE: Final = 16


@dataclass(frozen=True, kw_only=True)
class Limits:
    """The limits of one controller; the defaults hold for 10,000 agents, and for a laptop.

    Attributes:
        rooms: how many calls of each kind may go on at once.
        calls: how many of all kinds may, those among them of which only the header came.
        connections: how many may be open at members' port, or at the only one, as far as
            descriptors reach.
        connections_of_people: the same at the other port, where devices join.
        connections_of_web: how many may be open where pages are asked for, and figures over HTTP.
        reserved_descriptors: what is kept of them for the database, files and children.
        idle_share: one address may hold one connection in so many without a call going on in it.
        streams_a_connection: how many calls may go on in one connection.
        handshake_s: how long a connection may take to begin.
        idle_s: how long it may be open without a call.
        vanished_s: how long a peer may be silent before it is asked whether it is there.
        unbegun_s: how long a call may wait to be begun while many come at once.
        request_s: how long the first message of a call may take.
        stranger_request_s: how long the one of a stranger may, once it is its turn.
        device_request_s: the same of a device, which asks in a few words.
        strangers_heard: how many strangers' requests may be on their way at once, since gRPC keeps
            of each as much as a message may have at its port, whoever refuses it then; the others
            wait for their turn.
        devices_heard: the same of devices, at whose port a report may be long.
        people_heard: the same of tokens.
        silence_s: how long the next may: an agent beats once a minute, if its fleet is large.
        unread_s: how long a peer may not read what it is told.
        look_s: how often connections are looked at.
        begun_bytes: how much may have begun to come on agents' streams and not be whole.
        weigh_s: how often it is asked whether so much may be there.
        unasked_bytes: how much may come of a call before it is read, as of one that is refused.
        header_bytes: how long the header of a call may be.
        request_bytes: how long a single request may be.
        stranger_request_bytes: how long one of a stranger may be.
        messages_per_s: how many messages of a device are heard a second, all its streams together.
        saved_messages: how many more at once of who said less before.
        calls_per_s: how many calls of a token are begun a second.
        saved_calls: how many more at once of who asked less before.
        greeting_messages: as how many messages a greeting counts, since it costs as much.
        greetings_at_once: how many are worked on at once; who else greets waits in line.
        greetings_bytes: how many bytes the long ones among those may have that wait there.
        renewals_per_s: how many certificates a device is given a second.
        saved_renewals: how many more at once, of one that had fewer before.
        free_refusals: how many refusals a minute are told at once; more wait, the longer the more.
        longest_pause_s: how long they wait at most.
        free_failures: the same of what was brought, looked at for nothing, and refused.
        longest_failure_pause_s: how long that waits at most.
        paused: how many may wait so at once; others are told at once.
        outbox_messages: how many messages may wait for an agent while more of it is heard.
        requests_bytes: how many bytes single requests may have whose calls go on.
        answers_made: how many answers to short calls of tokens may be made at once.
        answers_bytes: how many bytes may be told that are not read yet.
        answers_waiting_bytes: how many may wait for that, of all, each for as long as a request may
            take; beyond it, who has most of them there is told to ask again.
        reports_bytes: how many bytes of devices' reports may be decoded and waiting to be written.
        reports_waiting_bytes: how many may wait for that, of all; beyond it, who has most of them
            there is told to come again.
        upload_bytes: how many all uploads together may announce.
        failed_joins_an_address: how many a minute; then the address is not listened to.
        failed_joins: of all addresses, a minute; then those are not that failed themselves.
    """

    rooms: Mapping[Load, Room] = field(default_factory=lambda: ROOMS)
    calls: int = 24_000
    connections: int = 12_000
    connections_of_people: int = 4_000
    connections_of_web: int = 512
    reserved_descriptors: int = 384
    idle_share: int = 4
    streams_a_connection: int = 100
    # While 10,000 begin at once on two cores, TLS takes its time.
    handshake_s: float = 40
    idle_s: float = 300
    vanished_s: float = 120
    unbegun_s: float = 120
    request_s: float = 20
    stranger_request_s: float = 5
    device_request_s: float = 5
    strangers_heard: Room = STRANGERS_HEARD
    devices_heard: Room = DEVICES_HEARD
    people_heard: Room = PEOPLE_HEARD
    silence_s: float = 180
    unread_s: float = 120
    look_s: float = 5
    begun_bytes: int = 256_000_000
    weigh_s: float = 1
    # Small messages of an upload over a long link come by it; calls that come in part hold it.
    unasked_bytes: int = 1 << 15
    header_bytes: int = 1 << 12
    request_bytes: int = 1 << 20
    stranger_request_bytes: int = 1 << 16
    # An agent says some a second, and after a night without its link what it could not report.
    messages_per_s: float = 30
    saved_messages: int = 300
    # Whoever follows hundreds of sweeps begins with hundreds of calls.
    calls_per_s: float = 30
    saved_calls: int = 300
    greeting_messages: int = 10
    # So many are one group of what is written, which takes hardly longer than one of them.
    greetings_at_once: int = 128
    greetings_bytes: Room = GREETINGS_BYTES
    renewals_per_s: float = 1
    saved_renewals: int = 60
    free_refusals: int = 60
    longest_pause_s: float = 4
    # On a machine that measures, each was looked at instead of that.
    free_failures: int = 2
    longest_failure_pause_s: float = 30
    paused: int = 2_000
    outbox_messages: int = 64
    requests_bytes: Room = REQUESTS_BYTES
    answers_made: Room = ANSWERS_MADE
    answers_bytes: Room = ANSWERS_BYTES
    answers_waiting_bytes: int = 256_000_000
    reports_bytes: Room = REPORTS_BYTES
    reports_waiting_bytes: int = 256_000_000
    upload_bytes: int = 20_000_000_000
    failed_joins_an_address: int = 30
    failed_joins: int = 300

    def connections_of_ports(self, descriptors: int, ports: int) -> tuple[int, ...]:
        """How many may be open at each of so many ports, with so many descriptors to have.

        Members' port is the last.
        """
        wanted = self._wanted(ports)
        kept = self.reserved_descriptors + self.web_connections(descriptors)
        share = min(1.0, (descriptors - kept) / sum(wanted))
        return tuple(max(1, int(connections * share)) for connections in wanted)

    def descriptors(self, ports: int) -> int:
        """How many are wanted for so many ports."""
        return sum(self._wanted(ports)) + self.reserved_descriptors + self.connections_of_web

    def web_connections(self, descriptors: int) -> int:
        """How many may be open over HTTP, with so many descriptors to have."""
        return min(self.connections_of_web, max(1, descriptors // _WEB_SHARE))

    def _wanted(self, ports: int) -> tuple[int, ...]:
        return (self.connections_of_people, self.connections)[-ports:]


DEFAULTS: Final = Limits()

# The bit of GRPC_COMPRESS_NONE.
_UNCOMPRESSED_ONLY: Final = 1


def channel_options(limits: Limits, connections: int) -> list[tuple[str, int]]:
    """What gRPC itself holds connections to.

    Args:
        limits: of the controller.
        connections: how many may be open at each port; more are closed as they come.
    """
    return [
        ("grpc.max_allowed_incoming_connections", connections),
        ("grpc.max_concurrent_streams", limits.streams_a_connection),
        # An older gRPC weighs a message as it came, and unpacks it to a thousand times as much.
        ("grpc.compression_enabled_algorithms_bitset", _UNCOMPRESSED_ONLY),
        ("grpc.per_message_decompression", 0),
        # Else what nobody reads yet may be megabytes of each call on a fast link. Of a message that
        # is read, as much may come as is left of it.
        ("grpc.http2.bdp_probe", 0),
        ("grpc.http2.lookahead_bytes", limits.unasked_bytes),
        ("grpc.max_metadata_size", limits.header_bytes),
        ("grpc.absolute_max_metadata_size", limits.header_bytes),
        # Of a fleet that comes at once gRPC would cancel some of more than a thousand calls that
        # wait to be begun, and what waited for half a minute; each dials again then.
        ("grpc.server.max_pending_requests", limits.calls),
        ("grpc.server.max_pending_requests_hard_limit", limits.calls),
        ("grpc.server_max_unrequested_time_in_server", round(limits.unbegun_s)),
        # Who opens connections and says nothing on them only holds descriptors.
        ("grpc.server_handshake_timeout_ms", round(1_000 * limits.handshake_s)),
        ("grpc.max_connection_idle_ms", round(1_000 * limits.idle_s)),
        # A device that lost its power ends no connection.
        ("grpc.keepalive_time_ms", round(1_000 * limits.vanished_s)),
        ("grpc.keepalive_timeout_ms", 20_000),
        # Agents ping to keep NAT tables warm, and no faster.
        ("grpc.http2.min_ping_interval_without_data_ms", 5_000),
        ("grpc.keepalive_permit_without_calls", 1),
    ]
