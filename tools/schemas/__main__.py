"""`python -m tools.schemas write` and `python -m tools.schemas check`, at the checkout's root."""

from pathlib import Path

import click

from tools.schemas import files
from tools.schemas.generation import Undescribed
from tools.schemas.page import PageInvalid

ROOT = Path(__file__).parents[2]


@click.group(help=__doc__)
def schemas() -> None:
    """Generate the JSON schemas and the tables of their page."""


@schemas.command
def write() -> None:
    """Write the schemas and the page's tables, and remove schemas of no document."""
    files.write(ROOT, _generate())


@schemas.command
def check() -> None:
    """Fail if a file is stale, missing or of no document."""
    texts = _generate()
    complaints = [
        *(f"{path} is not what the dataclasses give." for path in files.stale(ROOT, texts)),
        *(f"{path} is of no document." for path in files.surplus(ROOT, texts)),
    ]
    for complaint in complaints:
        click.echo(complaint, err=True)
    if complaints:
        raise click.ClickException('run "make schemas" and commit.')
    click.echo("edgerank: the schemas and their page are up to date.")


def _generate() -> dict[Path, str]:
    try:
        return files.generate((ROOT / files.PAGE).read_text(encoding="utf-8"))
    except (Undescribed, PageInvalid) as error:
        raise click.ClickException(str(error)) from error


if __name__ == "__main__":
    schemas()
