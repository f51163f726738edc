import asyncio
from contextlib import aclosing

import pytest

from controller.api.queries.ahead import made_ahead, one_ahead


class Pages:
    """Of a list, whose reading is noted."""

    def __init__(self, count: int) -> None:
        self.count = count
        self.read: list[int] = []

    async def __call__(self, after: int | None) -> tuple[str, int | None]:
        number = 0 if after is None else after + 1
        if number == self.count:
            raise OSError(number)
        self.read.append(number)
        return f"page {number}", number if number < self.count - 1 else None


def test_every_page_comes_in_its_order() -> None:
    async def asked() -> list[str]:
        return [each async for each in one_ahead(Pages(4))]

    assert asyncio.run(asked()) == [f"page {number}" for number in range(4)]


def test_one_is_read_while_another_is_there() -> None:
    async def asked() -> list[int]:
        pages = Pages(4)
        async with aclosing(one_ahead(pages)) as following:
            assert await anext(following) == "page 0"
            # Whoever has the page waits for something else.
            await asyncio.sleep(0)
            await asyncio.sleep(0)
        return pages.read

    assert asyncio.run(asked()) == [0, 1]


def test_what_cannot_be_read_ends_it_where_it_stands() -> None:
    async def read(after: int | None) -> tuple[int, int | None]:
        if after == 1:
            raise OSError("of the third")
        number = 0 if after is None else after + 1
        return number, number

    async def asked(found: list[int]) -> None:
        async for each in one_ahead(read):
            found.append(each)  # noqa: PERF401 - those before the failure count

    found: list[int] = []
    with pytest.raises(OSError, match="third"):
        asyncio.run(asked(found))
    assert found == [0, 1]


async def shout(page: str) -> str:
    await asyncio.sleep(0)
    return page.upper()


def test_what_is_made_comes_in_the_order_of_its_pages() -> None:
    async def asked() -> list[str]:
        return [each async for each in made_ahead(Pages(4), shout)]

    assert asyncio.run(asked()) == [f"PAGE {number}" for number in range(4)]


def test_who_goes_away_leaves_nothing_running() -> None:
    async def asked() -> tuple[str, int]:
        async with aclosing(made_ahead(Pages(40), shout)) as following:
            first = await anext(following)
        return first, len(asyncio.all_tasks())

    assert asyncio.run(asked()) == ("PAGE 0", 1)


def test_what_cannot_be_made_is_told_behind_what_could() -> None:
    async def make(page: str) -> str:
        if page == "page 2":
            raise OSError(page)
        return page

    async def asked(found: list[str]) -> None:
        async for each in made_ahead(Pages(4), make):
            found.append(each)  # noqa: PERF401 - those before the failure count

    found: list[str] = []
    with pytest.raises(OSError, match="page 2"):
        asyncio.run(asked(found))
    assert found == ["page 0", "page 1"]
