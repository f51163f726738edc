import asyncio
from contextlib import aclosing

import pytest

from controller.api.queries.ahead import one_ahead


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
