"""Pages that are kept whole, as text files in a folder `pages` beside the tests that print them."""

import io
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from rich.console import Console

COLUMNS = 80


def printed(show: Callable[..., None], *shown: Any, width: int = COLUMNS, **options: Any) -> str:
    """What a printing function writes to a terminal of that width, without blanks at line ends."""
    console = Console(file=io.StringIO(), width=width)
    show(console, *shown, **options)
    assert isinstance(console.file, io.StringIO)
    return "".join(f"{line.rstrip()}\n" for line in console.file.getvalue().splitlines())


def bound(pages: Mapping[str, str]) -> str:
    """Pages one after the other, each below its title."""
    return "\n".join(f"=== {title} ===\n{page}" for title, page in pages.items())


def kept(test_file: str, name: str) -> str:
    """The pages that are kept under a name beside a test."""
    return (Path(test_file).parent / "pages" / f"{name}.txt").read_text("utf-8")
