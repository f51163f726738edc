"""The page on security tells the limits that hold."""

import re
from pathlib import Path

import pytest

from controller.api.limits import DEFAULTS, ROOMS, Load, Room
from controller.api.rpc.from_agents import MAX_MESSAGE_BYTES
from controller.domain.sweeps import MAX_JOBS, MAX_TURNS
from controller.fleet.changes import LOOK_INTERVAL_S, TOLD_PER_S
from protos.codec import ASKED

PAGE = Path(__file__).parents[5] / "docs" / "security.md"
_ROW = re.compile(r"^\| ([^|]+) \|([^|]*)\|([^|]*)\|$", re.MULTILINE)
ROWS = {row[1].strip(): f"{row[2]} {row[3]}" for row in _ROW.finditer(PAGE.read_text())}
_MIB = 1 << 20


def millions(room: Room) -> tuple[int, int]:
    return room.a_caller // 10**6, room.in_all // 10**6


TOLD = {
    "short calls at once": ROOMS[Load.MOMENT],
    "calls that compute over all figures": ROOMS[Load.COMPUTING],
    "calls that follow what goes on": ROOMS[Load.FOLLOWING],
    "uploads": (*ROOMS[Load.UPLOAD], DEFAULTS.upload_bytes // 10**9),
    "downloads of artifacts": ROOMS[Load.DOWNLOAD],
    "agents' streams": ROOMS[Load.SESSION],
    "calls of strangers": ROOMS[Load.STRANGER],
    "failed attempts to join": (DEFAULTS.failed_joins_an_address, DEFAULTS.failed_joins),
    "calls of all kinds": (DEFAULTS.streams_a_connection, DEFAULTS.calls),
    "connections": (DEFAULTS.connections, DEFAULTS.connections_of_people),
    "connections of pages and HTTP": (
        DEFAULTS.connections_of_web // DEFAULTS.idle_share,
        DEFAULTS.connections_of_web,
    ),
    "time for a connection to begin": (DEFAULTS.handshake_s,),
    f"calls that wait to be begun, {DEFAULTS.unbegun_s:g} s each": (DEFAULTS.calls,),
    "time for a call's first message": (
        DEFAULTS.request_s,
        DEFAULTS.stranger_request_s,
        DEFAULTS.device_request_s,
    ),
    "strangers' requests that come at once; the others wait for their turn, up to 20 s": (
        DEFAULTS.strangers_heard
    ),
    "devices' requests that come at once, likewise": DEFAULTS.devices_heard,
    "people's requests that come at once, likewise": DEFAULTS.people_heard,
    "a request of a stranger": (DEFAULTS.stranger_request_bytes >> 10,),
    "time until the next message of a stream": (DEFAULTS.silence_s,),
    "time for which a peer may not read what it is told": (DEFAULTS.unread_s,),
    "certificates of a device": (DEFAULTS.saved_renewals,),
    "greetings of agents that are worked on at once": (DEFAULTS.greetings_at_once,),
    "bytes of long greetings that wait in line": (
        DEFAULTS.greetings_bytes.a_caller >> 10,
        DEFAULTS.greetings_bytes.in_all // 10**6,
    ),
    "bytes of messages on agents' streams that have come in part": (
        MAX_MESSAGE_BYTES // _MIB,
        ROOMS[Load.SESSION].a_caller * MAX_MESSAGE_BYTES // _MIB,
        DEFAULTS.begun_bytes // 10**6,
    ),
    "time without a call in a connection": (DEFAULTS.idle_s,),
    "answers that wait for an agent while more of it is heard": (DEFAULTS.outbox_messages,),
    "bytes of single requests whose calls go on": millions(DEFAULTS.requests_bytes),
    "answers to short calls that are made at once; the others wait for their turn, up to 20 s": (
        DEFAULTS.answers_made
    ),
    "bytes of answers that are not read yet, over gRPC and HTTP together, without artifacts'": (
        *millions(DEFAULTS.answers_bytes),
        DEFAULTS.answers_waiting_bytes // 10**6,
        DEFAULTS.request_s,
    ),
    "what comes of a call before it is read": (DEFAULTS.unasked_bytes >> 10,),
    "the header of a call": (DEFAULTS.header_bytes >> 10,),
    "bytes of reports that wait to be written, and what they take decoded": (
        *millions(DEFAULTS.reports_bytes),
        DEFAULTS.reports_waiting_bytes // 10**6,
    ),
    "messages of a device": (DEFAULTS.messages_per_s, DEFAULTS.saved_messages),
    "calls that a token begins": (DEFAULTS.calls_per_s, DEFAULTS.saved_calls),
    "refusals that are told at once": (
        DEFAULTS.free_refusals,
        DEFAULTS.longest_pause_s,
        DEFAULTS.paused,
    ),
    "models and greetings that are looked at for nothing": (
        DEFAULTS.free_failures,
        DEFAULTS.longest_failure_pause_s,
    ),
    "a sweep": (MAX_JOBS, MAX_TURNS),
    "news of a sweep for those who follow it": (1 / LOOK_INTERVAL_S, TOLD_PER_S),
    "a single request": (DEFAULTS.request_bytes / _MIB, ASKED.items, ASKED.characters),
    "a message of an agent": (MAX_MESSAGE_BYTES // _MIB - 1,),
}


@pytest.mark.parametrize("what", TOLD)
def test_what_the_page_says_is_what_holds(what: str) -> None:
    told = next(row for name, row in ROWS.items() if name.partition(" (")[0] == what)
    numbers = [float(each.replace(",", "")) for each in re.findall(r"\d[\d,]*", told)]
    missing = [limit for limit in TOLD[what] if float(limit) not in numbers]
    assert not missing, told
