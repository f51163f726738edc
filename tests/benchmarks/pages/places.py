"""Puts what a benchmark found into its place in a page that people write."""

import re
from collections.abc import Mapping


class PlaceMissing(ValueError):
    """The page has no place for a text, or more than one."""


def filled(page: str, texts: Mapping[str, str]) -> str:
    """The page with each text between the two lines that mark its place; all else stays.

    A place begins with the line `<!-- NAME -->` and ends with `<!-- end of NAME -->`.

    Raises:
        PlaceMissing: the page does not have exactly one place of that name.
    """
    for name, text in texts.items():
        begin, end = f"<!-- {name} -->\n", f"<!-- end of {name} -->\n"
        pattern = f"^{re.escape(begin)}.*?^{re.escape(end)}"
        places = re.findall(pattern, page, re.DOTALL | re.MULTILINE)
        if len(places) != 1:
            raise PlaceMissing(f"the page has {len(places)} places for {name}, it should have 1")
        page = page.replace(places[0], f"{begin}{text}\n{end}")
    return page
