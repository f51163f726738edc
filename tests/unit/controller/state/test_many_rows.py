"""Rows that are written many at once are those that SQLAlchemy writes one by one."""

from collections.abc import Mapping, Sequence

from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import (
    Column,
    Engine,
    Integer,
    MetaData,
    String,
    Table,
    bindparam,
    create_engine,
    insert,
    select,
    update,
)

from controller.domain.jobs import JobState
from controller.state.schema.columns import Member, Samples, SharedDocument
from controller.state.schema.many_rows import change_rows, in_few_lengths, write_rows
from protos.reasons import Reason, ReasonCode, reason

_metadata = MetaData()
_table = Table(
    "rows",
    _metadata,
    Column("name", String, primary_key=True),
    Column("state", Member(JobState), nullable=False),
    # What has a mapping inside has no hash, and is kept all the same.
    Column("why", SharedDocument(Reason)),
    Column("samples", Samples, nullable=False),
    Column("number", Integer, nullable=False, server_default="7"),
)
_ADD = insert(_table)
_MOVE = (
    update(_table)
    .where(_table.c.name == bindparam("of_name"), _table.c.state == JobState.QUEUED)
    .values(state=bindparam("after"), number=_table.c.number + bindparam("more"))
)
_ROW = st.fixed_dictionaries(
    {
        "state": st.sampled_from(JobState),
        "why": st.none()
        | st.sampled_from([reason(ReasonCode.UNWATCHED, count=each) for each in (1, 2)]),
        "samples": st.lists(st.integers(0, 2**63 - 1), max_size=3).map(tuple),
    }
)
_ROWS = st.lists(_ROW, min_size=1, max_size=9).map(
    lambda rows: [{"name": f"row {number}", **row} for number, row in enumerate(rows)]
)


def _empty() -> Engine:
    engine = create_engine("sqlite://")
    _metadata.create_all(engine)
    return engine


def _moves(rows: Sequence[Mapping[str, object]], more: int) -> list[dict[str, object]]:
    return [{"of_name": row["name"], "after": JobState.LEASED, "more": more} for row in rows]


@given(_ROWS, st.integers(-5, 5))
def test_what_is_written_is_the_same(rows: list[dict[str, object]], more: int) -> None:
    one_by_one, at_once = _empty(), _empty()
    with one_by_one.begin() as plain, at_once.begin() as many:
        plain.execute(_ADD, rows)
        assert write_rows(many, _ADD, rows) == len(rows)
        moved = plain.execute(_MOVE, _moves(rows, more)).rowcount
        assert write_rows(many, _MOVE, _moves(rows, more)) == moved
        kept = many.execute(select(_table)).all()
        assert kept == plain.execute(select(_table)).all()
    assert [row.samples for row in kept] == [row["samples"] for row in rows]


@given(_ROWS, st.integers(-5, 5))
def test_rows_that_are_changed_at_once_are_changed_as_one_by_one(
    rows: list[dict[str, object]], more: int
) -> None:
    one_by_one, at_once = _empty(), _empty()
    with one_by_one.begin() as plain, at_once.begin() as many:
        for each in (plain, many):
            write_rows(each, _ADD, rows)
        # Each by another figure, and one that nobody has.
        moves = [
            {**move, "more": more + number}
            for number, move in enumerate(_moves([*rows, {"name": "nobody"}], more))
        ]
        moved = plain.execute(_MOVE, moves).rowcount
        assert change_rows(many, _MOVE, moves) == moved
        assert many.execute(select(_table)).all() == plain.execute(select(_table)).all()


def test_more_rows_than_one_statement_takes_are_written_by_several() -> None:
    rows = [
        {"name": f"row {number}", "state": JobState.QUEUED, "why": None, "samples": ()}
        for number in range(5_000)
    ]
    with _empty().begin() as transaction:
        assert write_rows(transaction, _ADD, rows) == len(rows)
        assert change_rows(transaction, _MOVE, _moves(rows, 1)) == len(rows)
        assert {row.number for row in transaction.execute(select(_table))} == {8}


@given(st.lists(st.integers(), max_size=70))
def test_lists_come_in_few_lengths_and_say_the_same(items: list[int]) -> None:
    given = in_few_lengths(items)
    assert given[: len(items)] == items
    assert set(given) == set(items)
    assert len(given) in (0, 1, 2, 4, 8, 16, 32, 64, 128)
    assert len(given) < 2 * len(items) or not items
