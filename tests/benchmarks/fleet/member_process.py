"""A process with members of a fleet: a command a line comes in as JSON, and an answer goes out."""

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from controller.access.connections import make_room_for_descriptors
from protos.joining import JoinToken, parse_join_token
from protos.joining.presented import presented_authority
from tests.benchmarks.fleet.members import Members

SPARE_DESCRIPTORS = 256
# Of one process: handshakes that wait for each other are those of the machine, not of its threads.
JOINING_AT_ONCE = 16
_CONNECT_S = 30.0


class MemberProcess:
    """Such a process, as the benchmark knows it."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process

    def say(self, command: str, **details: Any) -> None:
        """Gives a command."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"command": command, **details}) + "\n")
        self._process.stdin.flush()

    def hear(self) -> dict[str, Any]:
        """The answer to the command before."""
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line, "a process with simulated agents has ended; what it said is above"
        answer: dict[str, Any] = json.loads(line)
        return answer


@contextmanager
def member_processes(
    counts: Sequence[int], token: JoinToken, folder: Path
) -> Iterator[list[MemberProcess]]:
    """A process for each count of members, none of which has joined."""
    with ExitStack() as held:
        started = []
        for index, count in enumerate(counts):
            arguments = {
                "first": sum(counts[:index]),
                "count": count,
                "token": token.spelt(),
                "folder": str(folder),
            }
            process = subprocess.Popen(
                [sys.executable, "-m", __name__, json.dumps(arguments)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
            held.callback(_end, process)
            started.append(MemberProcess(process))
        yield started


def ask_all(processes: Sequence[MemberProcess], command: str, **details: Any) -> list[Any]:
    """What each answers to a command that all are given at once."""
    for process in processes:
        process.say(command, **details)
    return [process.hear() for process in processes]


def _end(process: "subprocess.Popen[str]") -> None:
    process.kill()
    process.communicate()


async def _serve(arguments: dict[str, Any]) -> None:
    token = parse_join_token(arguments["token"])
    count = int(arguments["count"])
    wanted = count + SPARE_DESCRIPTORS
    assert make_room_for_descriptors(wanted) >= wanted, "too few open files are allowed here"
    authority = await asyncio.to_thread(
        presented_authority, token.addresses[0], token.authority_sha256, _CONNECT_S
    )
    members = Members(int(arguments["first"]), Path(arguments["folder"]))
    while line := await asyncio.to_thread(sys.stdin.readline):
        asked = json.loads(line)
        match asked["command"]:
            case "join":
                begin_s = time.time()
                await members.join(token, authority, count, JOINING_AT_ONCE)
                answer: dict[str, Any] = {"begin_s": begin_s, "end_s": time.time()}
            case "connect":
                members.connect(asked["below"])
                answer = {}
            case "work":
                await members.work(range(asked["first"], asked["first"] + asked["count"]))
                answer = {}
            case "look":
                answer = members.look()
            case _:
                answer = vars(members.tally)
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()
    await members.end()


if __name__ == "__main__":
    asyncio.run(_serve(json.loads(sys.argv[1])))
