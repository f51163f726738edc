"""Fails where the house outgrew its limits: folders, modules, functions, checks of prose."""

import ast
import itertools
import subprocess
from collections.abc import Iterator
from pathlib import Path

import click

FOLDER_ENTRIES = 16
MODULE_LINES = 350
FUNCTION_LINES = 60
# A check that compares prose breaks when a word changes: it says how, not what.
PROSE_WORDS = 4
PROSE_SHARE = 0.05


@click.command(help=__doc__)
def check_house() -> None:
    """Look at every file that git tracks, generated code aside."""
    files = tracked_files()
    modules = [file for file in files if file.suffix == ".py" and not is_generated(file)]
    trees = {module: ast.parse(read(module)) for module in modules}
    complaints = [
        *crowded_folders(files),
        *long_modules(modules),
        *itertools.chain.from_iterable(long_functions(*each) for each in trees.items()),
        *prosy_checks(list(trees.items())),
    ]
    for complaint in complaints:
        click.echo(complaint, err=True)
    if complaints:
        raise SystemExit(1)


def tracked_files() -> list[Path]:
    """List what git tracks, or would, without what it ignores."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "--deduplicate"]
    listed = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    gone = subprocess.run(
        ["git", "ls-files", "--deleted"], check=True, capture_output=True, text=True
    ).stdout
    return [Path(line) for line in listed.splitlines() if line not in gone.splitlines()]


def read(file: Path) -> str:
    """Read a file of the checkout."""
    return file.read_text(encoding="utf-8")


def is_generated(module: Path) -> bool:
    """Say whether a tool wrote a module: protoc, or Alembic."""
    return "_pb2" in module.name or module.parent.name == "versions"


def crowded_folders(files: list[Path]) -> Iterator[str]:
    """Find folders with more entries than a reader takes in at a glance; the root is git's."""
    entries = {path for file in files for path in (file, *file.parents)}
    for folder in sorted({path.parent for path in entries}):
        count = sum(path.parent == folder and path != folder for path in entries)
        if folder != Path() and count > FOLDER_ENTRIES:
            yield f"{folder}/ has {count} entries; {FOLDER_ENTRIES} are enough: part it by purpose."


def long_modules(modules: list[Path]) -> Iterator[str]:
    """Find modules with more than one purpose, going by their length."""
    for module in modules:
        lines = read(module).count("\n")
        if lines > MODULE_LINES:
            yield f"{module} has {lines} lines; {MODULE_LINES} are enough: split it by purpose."


def long_functions(module: Path, tree: ast.Module) -> Iterator[str]:
    """Find functions that do not fit on a screen."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            lines = (node.end_lineno or node.lineno) - node.lineno + 1
            if lines > FUNCTION_LINES:
                yield f"{module}: {node.name} has {lines} lines; {FUNCTION_LINES} are enough."


def prosy_checks(trees: list[tuple[Path, ast.Module]]) -> Iterator[str]:
    """Complain when more than a few checks of the tests compare prose."""
    checks = [
        (module, check)
        for module, tree in trees
        if module.parts[0] == "tests" and module.name.startswith("test_")
        for check in find_checks(tree)
    ]
    prosy = [module for module, check in checks if holds_prose(check)]
    if len(prosy) >= PROSE_SHARE * len(checks):
        worst = max(set(prosy), key=prosy.count)
        yield (
            f"{len(prosy)} of {len(checks)} checks compare prose of {PROSE_WORDS} words or more, "
            f"{worst} {prosy.count(worst)} times; compare codes and figures."
        )


def find_checks(tree: ast.Module) -> Iterator[ast.expr]:
    """Find what is asserted, and what is expected to be raised."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Assert):
            yield node.test
        elif isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "raises":
            yield node


def holds_prose(check: ast.expr) -> bool:
    """Say whether a check has a literal of several words in it."""
    return any(
        isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and len(node.value.split()) >= PROSE_WORDS
        for node in ast.walk(check)
    )


if __name__ == "__main__":
    check_house()
