"""Pages that are kept whole beside the tests that print them."""

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

from rich.console import Console


def kept(test_file: str, name: str) -> str:
    """The page of that name in the folder `pages` beside a test."""
    return (Path(test_file).parent / "pages" / f"{name}.txt").read_text("utf-8")


def printed(show: Callable[..., None], *shown: Any, width: int = 80, **options: Any) -> str:
    """What a printing function writes to a terminal of that width, without blanks at line ends."""
    console = Console(file=io.StringIO(), width=width)
    show(console, *shown, **options)
    assert isinstance(console.file, io.StringIO)
    return "".join(f"{line.rstrip()}\n" for line in console.file.getvalue().splitlines())
