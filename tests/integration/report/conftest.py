"""A real headless Chromium, offline, that watches what the page tries."""

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, expect, sync_playwright
from playwright.sync_api import Error as PlaywrightError

_ON_PATH = ("chromium", "chromium-browser", "google-chrome")

expect.set_options(timeout=30_000)


@dataclass
class Visit:
    """A page that was opened, with what it asked the network for and what it complained of."""

    page: Page
    requests: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)


Visitor = Callable[..., Visit]


# Not session-scoped: while it runs, this API keeps an event loop that asynchronous tests need.
@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with launched() as browser:
        yield browser


@contextmanager
def launched() -> Iterator[Browser]:
    """The system's browser, headless."""
    executable = os.environ.get("EDGERANK_CHROMIUM") or next(
        filter(None, map(shutil.which, _ON_PATH)), None
    )
    # A sandbox cannot be set up as root.
    arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_playwright() as playwright:
        try:
            browser = playwright.chromium.launch(executable_path=executable, args=arguments)
        except PlaywrightError as error:
            pytest.fail(
                "no Chromium could be started for the report's tests: install chromium, set "
                "EDGERANK_CHROMIUM to one, or run `playwright install chromium` "
                f"({str(error).splitlines()[0]})"
            )
        yield browser
        browser.close()


def watched(page: Page, url: str) -> Visit:
    """Opens a URL on a new page, and notes what that asks for and complains of from the first."""
    visited = Visit(page)

    def complain(message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            visited.complaints.append(message.text)

    page.on("console", complain)
    page.on("pageerror", lambda error: visited.complaints.append(str(error)))
    page.on("dialog", lambda dialog: visited.complaints.append(dialog.message))
    page.on("request", lambda request: visited.requests.append(request.url))
    page.goto(url)
    return visited


@pytest.fixture
def visit(browser: Browser, tmp_path: Path) -> Iterator[Visitor]:
    """Opens HTML as a file, offline; keyword arguments are those of a browser context."""
    contexts = []

    def open_page(html: str, **context_options: object) -> Visit:
        path = tmp_path / "report.html"
        path.write_text(html, encoding="utf-8")
        context = browser.new_context(offline=True, **context_options)  # type: ignore[arg-type]
        contexts.append(context)
        return watched(context.new_page(), path.as_uri())

    yield open_page
    for context in contexts:
        context.close()
