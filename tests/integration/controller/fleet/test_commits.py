"""What comes in is committed as a group, answered afterwards, and fails alone."""

import asyncio
import threading
from collections.abc import Sequence
from contextlib import nullcontext, suppress
from dataclasses import replace

import pytest
from sqlalchemy import Connection, event

from controller.domain.errors import EdgerankError, ErrorCode
from controller.fleet.leasing.said import commit_lease, commit_report
from controller.fleet.reports import Came
from controller.state.attempts import Ask
from controller.state.committing import Commits
from controller.state.database import Database
from controller.state.devices import enrol, list_devices
from protos.fleet import Hello
from tests.integration.controller.conftest import start_sweep
from tests.integration.controller.domain_samples import hello, measured_report
from tests.integration.controller.fleet.statements import heard


class Held:
    """Commits whose thread waits for a test, so that what comes in meanwhile is one group."""

    def __init__(self, database: Database) -> None:
        self.commits = Commits(database)
        self.begun, self.may_go_on = threading.Event(), threading.Event()
        self.count = 0
        event.listen(database.of_groups().engine, "commit", self._count)

    def _count(self, _connection: Connection) -> None:
        self.count += 1

    def wait(self, _database: Database) -> None:
        """Work that holds the thread."""
        self.begun.set()
        self.may_go_on.wait()

    async def group(self, *hellos: Hello) -> list[object]:
        """Enrols devices in one group; gives how each ended."""
        first = asyncio.create_task(self.commits.write(self.wait))
        await asyncio.to_thread(self.begun.wait)
        rest = [asyncio.create_task(self.commits.write(enrol, each, 0)) for each in hellos]
        # Each has to be among those that wait.
        await asyncio.sleep(0)
        self.may_go_on.set()
        await first
        return list(await asyncio.gather(*rest, return_exceptions=True))


def names(database: Database) -> list[str]:
    return [device.name for device in list_devices(database, frozenset())]


async def test_what_comes_in_together_is_one_commit(database: Database) -> None:
    held = Held(database)
    before = held.count
    await held.group(*(hello(f"phone-{number}") for number in range(20)))
    assert held.count - before == 2
    assert len(names(database)) == 20


async def test_groups_are_written_by_one_connection_whoever_reads_meanwhile(
    database: Database,
) -> None:
    def writer(within: Database) -> object:
        with within.writing() as transaction:
            return transaction.connection.dbapi_connection

    commits = Commits(database)
    first = await commits.write(writer)
    with database.transaction() as reader, database.transaction() as other:
        readers = [each.connection.dbapi_connection for each in (reader, other)]
        assert await commits.write(writer) is first
    names(database)
    assert await commits.write(writer) is first
    assert first not in readers


async def test_what_fails_is_undone_and_told_alone(database: Database) -> None:
    twice = replace(hello("phone"), device_id="another")
    ended = await Held(database).group(hello("phone"), twice, hello("board"))
    assert [isinstance(each, EdgerankError) for each in ended] == [False, True, False]
    assert names(database) == ["board", "phone"]


async def test_of_one_kind_what_fails_is_undone_and_told_alone(database: Database) -> None:
    def enrol_each(within: Database, hellos: Sequence[Hello]) -> list[int]:
        for each in hellos:
            enrol(within, each, 0)
        return [len(hellos)] * len(hellos)

    held = Held(database)
    twice = replace(hello("phone"), device_id="another")
    first = asyncio.create_task(held.commits.write(held.wait))
    await asyncio.to_thread(held.begun.wait)
    hellos = (hello("phone"), twice, hello("board"))
    rest = [asyncio.create_task(held.commits.write_each(enrol_each, each)) for each in hellos]
    await asyncio.sleep(0)
    held.may_go_on.set()
    await first
    phone, refused, board = await asyncio.gather(*rest, return_exceptions=True)
    # Each by itself, when all together failed.
    assert (phone, board) == (1, 1)
    assert isinstance(refused, EdgerankError)
    assert names(database) == ["board", "phone"]


async def test_of_one_kind_all_that_comes_in_together_is_one_call(database: Database) -> None:
    held = Held(database)
    calls: list[int] = []

    def count(_within: Database, items: Sequence[int]) -> Sequence[int]:
        calls.append(len(items))
        return items

    first = asyncio.create_task(held.commits.write(held.wait))
    await asyncio.to_thread(held.begun.wait)
    rest = [asyncio.create_task(held.commits.write_each(count, number)) for number in range(9)]
    await asyncio.sleep(0)
    held.may_go_on.set()
    await first
    assert await asyncio.gather(*rest) == list(range(9))
    assert calls == [9]


async def test_a_group_in_which_nothing_fails_makes_no_savepoints(database: Database) -> None:
    held = Held(database)
    with heard(database) as asked:
        await held.group(*(hello(f"phone-{number}") for number in range(20)))
    assert sum(each.text.startswith("BEGIN") for each in asked) == 2
    assert not any("SAVEPOINT" in each.text for each in asked)


async def test_what_fails_is_undone_though_its_caller_goes_on(database: Database) -> None:
    def go_on(within: Database) -> None:
        with suppress(ValueError), within.writing() as transaction:
            enrol(replace(within, part=lambda: nullcontext(transaction)), hello("phone"), 0)
            raise ValueError("what was enrolled is not wanted any more")
        enrol(within, hello("board"), 0)

    await Commits(database).write(go_on)
    assert names(database) == ["board"]


async def test_nobody_is_answered_before_it_is_committed(database: Database) -> None:
    commits = Commits(database)
    task = asyncio.create_task(commits.write(enrol, hello("phone"), 0))
    was_done: list[bool] = []

    def look(_connection: Connection) -> None:
        was_done.append(task.done())

    event.listen(database.of_groups().engine, "commit", look)
    await task
    assert was_done == [False]


async def test_a_group_that_the_disk_undoes_is_a_failure_for_all_of_it(database: Database) -> None:
    held = Held(database)

    def lose(within: Database) -> None:
        with within.transaction() as transaction:
            # As SQLite does by itself when it cannot write.
            transaction.exec_driver_sql("ROLLBACK")
            raise OSError(28, "No space left on device")

    first = asyncio.create_task(held.commits.write(held.wait))
    await asyncio.to_thread(held.begun.wait)
    rest = [
        asyncio.create_task(held.commits.write(enrol, hello("phone"), 0)),
        asyncio.create_task(held.commits.write(lose)),
        asyncio.create_task(held.commits.write(enrol, hello("board"), 0)),
    ]
    await asyncio.sleep(0)
    held.may_go_on.set()
    await first
    ended = await asyncio.gather(*rest, return_exceptions=True)
    assert all(isinstance(each, Exception) for each in ended)
    assert names(database) == []
    await held.commits.write(enrol, hello("phone"), 0)
    assert names(database) == ["phone"]


async def test_a_database_that_fails_is_told_to_all_and_taken_up_again(
    database: Database,
) -> None:
    commits = Commits(database)
    with database.engine.connect() as other:
        other.exec_driver_sql("ALTER TABLE devices RENAME TO hidden")
        other.commit()
        with pytest.raises(EdgerankError) as failed:
            await commits.write(enrol, hello("phone"), 0)
        other.exec_driver_sql("ALTER TABLE hidden RENAME TO devices")
        other.commit()
    assert failed.value.code is ErrorCode.STORAGE
    await commits.write(enrol, hello("phone"), 0)
    assert names(database) == ["phone"]


async def test_a_report_and_the_lease_that_is_asked_for_after_it_are_one_commit(
    database: Database,
) -> None:
    for name in ("phone", "board"):
        start_sweep(database, name, threads=(1, 2))
    held = Held(database)
    asks = [Ask(device_id=f"id-of-{name}", now_unix_ms=0) for name in ("board", "phone")]
    leased = (await commit_lease(held.commits, asks[1])).lease
    assert leased is not None
    told = measured_report(leased.attempt_id, leased.job_id)
    before = held.count
    first = asyncio.create_task(held.commits.write(held.wait))
    await asyncio.to_thread(held.begun.wait)
    # What others ask for before it changes nothing of that: the device is free by its report.
    other = asyncio.create_task(commit_lease(held.commits, asks[0]))
    report = asyncio.create_task(commit_report(held.commits, Came("id-of-phone", told, 0)))
    ask = asyncio.create_task(commit_lease(held.commits, asks[1]))
    await asyncio.sleep(0)
    held.may_go_on.set()
    await first
    assert (await report).is_new
    found = [(await each).lease for each in (other, ask)]
    assert held.count - before == 2
    attempts = {leased.attempt_id, *(each.attempt_id for each in found if each is not None)}
    assert len(attempts) == 3
