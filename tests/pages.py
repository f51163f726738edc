"""What the documents show: commands, names of files, links."""

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
# A changelog tells of what was, the others of what is.
PAGES = sorted(
    {
        ROOT / "README.md",
        ROOT / "CONTRIBUTING.md",
        ROOT / "models/data/README.md",
        *(ROOT / "docs").rglob("*.md"),
    }
)

_FENCED = re.compile(r"^```(\w*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
_SPAN = re.compile(r"`([^`]+)`")
_LINK = re.compile(r"\]\(([^()\s]+)\)")
_HEADING = re.compile(r"^#+ (.*)$", re.MULTILINE)


def name(page: Path) -> str:
    """How a page is called: its path below the root."""
    return page.relative_to(ROOT).as_posix()


def console_commands(page: Path) -> Iterator[str]:
    """What stands behind each `$` of the page's console blocks, without a comment."""
    for kind, block in _FENCED.findall(page.read_text(encoding="utf-8")):
        if kind == "console":
            for line in block.splitlines():
                if line.startswith("$ "):
                    yield line.removeprefix("$ ").split("  # ")[0].strip()


def yaml_files(page: Path) -> Iterator[tuple[str, str]]:
    """Each file in YAML that the page shows, its name being the comment in its first line."""
    for kind, block in _FENCED.findall(page.read_text(encoding="utf-8")):
        if kind == "yaml":
            yield block.splitlines()[0].removeprefix("# "), block


def spans(page: Path) -> Iterator[str]:
    """Each piece of code within the page's prose, on one line."""
    for span in _SPAN.findall(_prose(page)):
        yield " ".join(span.split())


def links(page: Path) -> Iterator[str]:
    """Where the page's links and pictures lead to."""
    yield from _LINK.findall(_prose(page))


def anchors(page: Path) -> frozenset[str]:
    """What a link may name behind `#` on this page, made from its headings as GitHub does."""
    seen: Counter[str] = Counter()
    found = set()
    for heading in _HEADING.findall(_prose(page)):
        slug = re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-")
        found.add(f"{slug}-{seen[slug]}" if seen[slug] else slug)
        seen[slug] += 1
    return frozenset(found)


def _prose(page: Path) -> str:
    return _FENCED.sub("", page.read_text(encoding="utf-8"))
