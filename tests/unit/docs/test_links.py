"""What the documents point to is there."""

import re
from pathlib import Path

import pytest

from tests.pages import PAGES, ROOT, anchors, links, name, spans

CHANGELOG = ROOT / "CHANGELOG.md"
# `docs/` is not among them: the data's page names documents of another project by it.
OURS = re.compile(r"(agent|controller|models|protos|tests|tools|locks)/[\w./*-]*")


@pytest.mark.parametrize("page", [*PAGES, CHANGELOG], ids=name)
def test_a_link_leads_somewhere(page: Path) -> None:
    for link in links(page):
        if "://" in link:
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), f"{link} leads to nothing"
        assert target.is_relative_to(ROOT), f"{link} leads out of the repository"
        assert not anchor or anchor in anchors(target), f"no heading of {path} gives #{anchor}"


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_a_file_that_is_named_is_there(page: Path) -> None:
    for span in spans(page):
        if OURS.fullmatch(span):
            assert list(ROOT.glob(span.rstrip("/"))), f"{span} is not there"


def test_every_page_is_linked_from_another() -> None:
    linked = {
        (page.parent / link.partition("#")[0]).resolve() for page in PAGES for link in links(page)
    }
    roots = {ROOT / "README.md"}
    assert {name(page) for page in PAGES if page not in linked | roots} == set()
