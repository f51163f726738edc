"""Messages that never come whole take little of a controller, however many somebody begins."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Final

import grpc

from agent.link.identity import Identity
from controller.api.rpc.from_agents import MAX_MESSAGE_BYTES
from controller.state.devices import enrol
from protos.joining import bearer_letters, parse_access_token
from protos.v1 import fleet_pb2, fleet_pb2_grpc
from tests.integration.access.conftest import Guarded
from tests.integration.bounds.conftest import answer_of, limited_guarded, process_of
from tests.integration.bounds.partial import STREAMS, Partly
from tests.integration.controller.domain_samples import hello
from tests.processes.states import begun_database

# As many calls as an address may have, and more; a message is as long as gRPC takes one there.
CONNECTIONS: Final = 3
MESSAGE_BYTES: Final = 2_000_000
BEGUN_BYTES: Final = CONNECTIONS * len(STREAMS) * MESSAGE_BYTES
KEPT_BYTES: Final = BEGUN_BYTES // 6
HELD_S: Final = 6.0
LOOK_S: Final = 0.05
# Turns of devices, one of which may have all; of what waits, a window is kept.
DEVICES_HEARD: Final = (8, 2)
# Of a list of devices, whose labels are long.
ANSWER_BYTES: Final = 2_000_000
LABEL_BYTES: Final = 20_000
MOST_TOLD: Final = 2 * 8_000_000 // ANSWER_BYTES
PEOPLE_CONNECTIONS: Final = 30
PEOPLE_BYTES: Final = PEOPLE_CONNECTIONS * len(STREAMS) * (80 << 10)
DEVICES_BYTES: Final = 3 * MAX_MESSAGE_BYTES + CONNECTIONS * len(STREAMS) * (64 << 10)
# Of the streams that a device may have, and of what may begin on those of all.
BEGINNERS: Final = 4
LONG_BYTES: Final = BEGINNERS * 4 * MAX_MESSAGE_BYTES
LIMIT_BYTES: Final = 40_000_000


def growth_bytes(guarded: Guarded, *doing: Callable[[], object]) -> int:
    """By how much a controller grew at most while others did something at once."""
    controller = process_of(guarded.running)
    before_bytes = most_bytes = controller.memory_info().rss
    with ThreadPoolExecutor(len(doing)) as pool:
        done = [pool.submit(each) for each in doing]
        while wait(done, timeout=LOOK_S).not_done:
            most_bytes = max(most_bytes, controller.memory_info().rss)
    for each in done:
        each.result()
    return most_bytes - before_bytes


def test_of_what_strangers_begin_to_say_little_is_kept(tmp_path: Path) -> None:
    with limited_guarded(tmp_path) as guarded:
        joining = [
            Partly(guarded.address, "/edgerank.v1.Joining/Join", MESSAGE_BYTES)
            for _ in range(CONNECTIONS)
        ]
        grown_bytes = growth_bytes(guarded, *(partial(each.hold, HELD_S) for each in joining))
    assert sum(each.said_bytes for each in joining) > MESSAGE_BYTES
    assert grown_bytes < KEPT_BYTES


def test_of_what_devices_begin_to_ask_no_more_is_kept_than_of_those_whose_turn_it_is(
    tmp_path: Path,
) -> None:
    with limited_guarded(tmp_path, devices_heard=DEVICES_HEARD, device_request_s=3) as guarded:
        token = guarded.token("--uses", str(CONNECTIONS + 1))
        *many, honest = (guarded.join(token) for _ in range(CONNECTIONS + 1))
        asking = [
            Partly(
                guarded.fleet_address,
                "/edgerank.v1.Joining/Renew",
                MAX_MESSAGE_BYTES - 1,
                shown_by(each, tmp_path),
            )
            for each in many
        ]
        answers: list[grpc.StatusCode] = []

        def fetch() -> None:
            """Waits behind them for a while, and is heard."""
            with guarded.member_channel(honest) as channel:
                call = fleet_pb2_grpc.FleetStub(channel).FetchArtifact
                wanted = fleet_pb2.FetchArtifactRequest(sha256="0" * 64)
                answers.append(answer_of(lambda: list(call(wanted, timeout=60))))

        holding = [partial(each.hold, HELD_S) for each in asking]
        grown_bytes = growth_bytes(guarded, *holding, fetch)
    assert answers == [grpc.StatusCode.NOT_FOUND]
    assert sum(each.said_bytes for each in asking) > MESSAGE_BYTES
    assert grown_bytes < DEVICES_BYTES


def test_of_what_devices_begin_to_say_on_their_streams_no_more_is_kept_than_may_be_of_all(
    tmp_path: Path,
) -> None:
    limits = {"begun_bytes": LIMIT_BYTES, "weigh_s": 0.1, "free_refusals": 1_000}
    # What is not ended is so for its silence.
    with limited_guarded(tmp_path, **limits, request_s=2 * HELD_S) as guarded:
        token = guarded.token("--uses", str(BEGINNERS))
        members = [guarded.join(token) for _ in range(BEGINNERS)]
        with guarded.agent("honest", guarded.token()) as honest:
            says = [
                Partly(
                    guarded.fleet_address,
                    "/edgerank.v1.Fleet/Connect",
                    MAX_MESSAGE_BYTES - 1,
                    shown_by(each, tmp_path),
                    frames=4,
                )
                for each in members
            ]
            holding = [partial(each.hold, 10 * HELD_S) for each in says]
            grown_bytes = growth_bytes(guarded, *holding)
            guarded.running.output.wait_for("too much was begun to be said")
            assert not [line for line in honest.output.lines if "dialling again" in line]
    assert grown_bytes < LONG_BYTES // 2


def test_of_what_one_person_begins_to_ask_little_is_kept(tmp_path: Path) -> None:
    with limited_guarded(tmp_path) as guarded:
        shows = bearer(guarded)
        said: list[int] = []

        def ask() -> None:
            method = "/edgerank.v1.Query/ListDevices"
            asking = Partly(guarded.address, method, MESSAGE_BYTES, authorization=shows)
            said.append(asking.hold(HELD_S))

        grown_bytes = growth_bytes(guarded, *[ask] * PEOPLE_CONNECTIONS)
    assert sum(said) > MESSAGE_BYTES
    assert grown_bytes < PEOPLE_BYTES


def test_of_what_one_person_is_told_and_does_not_read_little_is_kept(tmp_path: Path) -> None:
    enrol_much(tmp_path)
    limits = {
        "answers_bytes": (8_000_000, 8_000_000),
        "answers_waiting_bytes": 8_000_000,
        # Who is refused is told at once.
        "free_refusals": 1_000,
    }
    with limited_guarded(tmp_path, **limits) as guarded:
        deaf = Partly(
            guarded.address,
            "/edgerank.v1.Query/ListDevices",
            0,
            authorization=bearer(guarded),
            is_deaf=True,
        )
        # The others are refused, on a busy machine later.
        grown_bytes = growth_bytes(guarded, partial(deaf.hold, 10 * HELD_S, MOST_TOLD))
    assert 0 < deaf.going_on <= MOST_TOLD
    assert grown_bytes < len(STREAMS) * ANSWER_BYTES // 2


def bearer(guarded: Guarded) -> str:
    """What a person says who may read."""
    secret = parse_access_token(guarded.access("ada", "--scope", "read")).secret
    return f"Bearer {bearer_letters(secret)}"


def enrol_much(folder: Path) -> None:
    """Leaves devices to the controller that is started next, whose list is long."""
    state = folder / "controller"
    state.mkdir()
    database = begun_database(state)
    many = ANSWER_BYTES // LABEL_BYTES
    for number in range(many):
        said = replace(hello(f"device-{number}"), labels={"room": "x" * LABEL_BYTES})
        enrol(database, said, now_unix_ms=0)
    database.close()


def shown_by(member: Identity, folder: Path) -> Path:
    """A file with what a device shows."""
    path = folder / f"{member.device_id}.pem"
    path.write_text(member.certificate_pem + member.key_pem)
    path.chmod(0o600)
    return path
