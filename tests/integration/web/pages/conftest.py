"""A lab's controller, and browsers that visit it and watch what its pages try."""

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from axe_core_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.integration.access.conftest import Guarded
from tests.integration.report.conftest import Visit, browser, watched
from tests.integration.web.conftest import web_of
from tests.integration.web.pages.lab import fill
from tests.processes import own_address, running_controller
from tests.processes.sharing import made_once

__all__ = ["browser"]

Visitor = Callable[..., Visit]
_SWEEP_ID = "sweep-id"


def barriers(page: Page) -> list[dict[str, Any]]:
    """What of a page is in somebody's way, as axe finds it."""
    # Of all else it would name each element, which takes it as long again.
    told = Axe().run(page, options={"resultTypes": ["violations"]})
    found: list[dict[str, Any]] = told["violations"]
    return found


def drawn(page: Page) -> None:
    """Waits until every chart of a page is drawn."""
    expect(page.locator("[data-chart]:not([data-state=drawn])")).to_have_count(0)


def url_of(guarded: Guarded) -> str:
    """Where a controller's pages are for whoever comes from elsewhere: it ends with a slash."""
    return f"https://{own_address()}:{httpx.URL(web_of(guarded.running)).port}/"


@dataclass(frozen=True)
class Lab:
    """A controller with figures: its URL, and the id of its sweep."""

    url: str
    sweep_id: str


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    made = made_once(tmp_path_factory, "lab-of-pages", _fill)
    state = tmp_path_factory.mktemp("lab") / "state"
    shutil.copytree(made / "state", state)
    with running_controller(state, 0, "--web-port", "0") as (controller, _address):
        yield Lab(web_of(controller), (made / _SWEEP_ID).read_text())


def _fill(folder: Path) -> None:
    (folder / _SWEEP_ID).write_text(fill(folder / "state"))


@pytest.fixture
def visit(browser: Browser) -> Iterator[Visitor]:
    """Opens a page; keyword arguments are those of a browser context."""
    contexts: list[BrowserContext] = []

    def open_page(url: str, **options: object) -> Visit:
        context = browser.new_context(reduced_motion="reduce", **options)  # type: ignore[arg-type]
        contexts.append(context)
        return watched(context.new_page(), url)

    yield open_page
    for context in contexts:
        context.close()
