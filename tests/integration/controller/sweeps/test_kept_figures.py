"""What rankings need of a device is kept in one row, and says what its measurements say."""

import asyncio
from typing import Any

import pytest
from sqlalchemy import delete, event, func, select, update

from controller.domain.errors import EdgerankError, ErrorCode
from controller.server import watching
from controller.server.watching import until_stopped
from controller.state.database import Database
from controller.state.devices.forgetting import forget
from controller.state.measurements import figures as of_figures
from controller.state.measurements.figures import devices_behind, keep_figures, read_figures
from controller.state.schema import kept_figures
from tests.integration.controller.fleet.statements import heard
from tests.integration.controller.sweeps.test_columns import measured_twice
from tests.integration.controller.sweeps.test_newest import PHONE, measure


def test_what_is_kept_of_a_device_is_what_its_measurements_say(database: Database) -> None:
    measured_twice(database)
    whole = read_figures(database, PHONE)
    keep_figures(database, PHONE)
    kept = read_figures(database, PHONE)
    assert (kept.until, kept.rows.tobytes()) == (whole.until, whole.rows.tobytes())
    measure(database, 4, 0, now_ms=4_000)
    # A clock that was set back makes nothing newer than it is.
    measure(database, 3, now_ms=500, threads=1)
    renewed = read_figures(database, PHONE)
    assert renewed.until > whole.until
    with database.writing() as transaction:
        transaction.execute(delete(kept_figures))
    assert read_figures(database, PHONE).rows.tobytes() == renewed.rows.tobytes()


def test_what_is_kept_is_written_again_when_much_came_since(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    measured_twice(database)
    assert devices_behind(database) == []
    monkeypatch.setattr(of_figures, "_FEW", 3)
    assert devices_behind(database) == [PHONE]
    keep_figures(database, PHONE)
    measure(database, 4, 5, 6, now_ms=4_000, threads=3)
    assert devices_behind(database) == []
    measure(database, 4, now_ms=5_000, threads=1)
    assert devices_behind(database) == [PHONE]


async def test_a_controller_keeps_what_is_behind(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    measured_twice(database)
    monkeypatch.setattr(of_figures, "_FEW", 3)
    assert devices_behind(database) == [PHONE]
    kept = asyncio.Event()
    in_loop = asyncio.get_running_loop().call_soon_threadsafe

    def note(_connection: object, _cursor: object, told: str, *_: object) -> None:
        if told.startswith("INSERT INTO kept_figures"):
            in_loop(kept.set)

    event.listen(database.engine, "after_cursor_execute", note)
    stopping: asyncio.Task[Any] = asyncio.create_task(kept.wait())
    await until_stopped(stopping, set(), database)
    await asyncio.get_running_loop().shutdown_default_executor()
    assert devices_behind(database) == []


async def test_a_defect_in_keeping_ends_the_controller_and_is_told(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_: Database) -> list[str]:
        raise ZeroDivisionError

    monkeypatch.setattr(watching, "devices_behind", broken)
    stopping: asyncio.Task[Any] = asyncio.create_task(asyncio.Event().wait())
    with pytest.raises(EdgerankError) as caught:
        await until_stopped(stopping, set(), database)
    assert caught.value.code is ErrorCode.EXECUTION


@pytest.mark.parametrize("rotten", [{"figures": b"x" * 256}, {"figures": b"x"}, {"layout": "old"}])
def test_what_is_kept_and_cannot_be_read_is_made_anew(
    database: Database, rotten: dict[str, object]
) -> None:
    measured_twice(database)
    whole = read_figures(database, PHONE)
    keep_figures(database, PHONE)
    with database.writing() as transaction:
        transaction.execute(update(kept_figures).values(**rotten))
    with heard(database) as asked:
        anew = read_figures(database, PHONE)
    [since] = [each for each in asked if "has_latency" in each.text]
    assert 0 in since.parameters
    assert anew.rows.tobytes() == whole.rows.tobytes()


def test_what_is_kept_goes_with_its_device(database: Database) -> None:
    measured_twice(database)
    keep_figures(database, PHONE)
    forget(database, PHONE)
    with database.transaction() as transaction:
        assert transaction.scalar(select(func.count()).select_from(kept_figures)) == 0
