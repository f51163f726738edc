"""The wheel holds all of the four packages, data included, and nothing else of the repository."""

from __future__ import annotations

import zipfile
from fnmatch import fnmatch
from pathlib import Path

import pytest

PACKAGES = ("agent", "controller", "models", "protos", "sandbox")


@pytest.fixture(scope="module")
def names(wheel: Path) -> set[str]:
    with zipfile.ZipFile(wheel) as archive:
        return {name for name in archive.namelist() if not name.endswith("/")}


def test_every_file_of_the_packages_is_in_the_wheel(names: set[str], source: Path) -> None:
    expected = {
        path.relative_to(source).as_posix()
        for package in PACKAGES
        for path in (source / package).rglob("*")
        if path.is_file()
    }
    assert {name for name in names if name.split("/")[0] in PACKAGES} == expected


def test_nothing_but_the_packages_and_their_metadata_is_in_the_wheel(names: set[str]) -> None:
    others = {name.split("/")[0] for name in names} - set(PACKAGES)
    assert [fnmatch(other, "edgerank-*.dist-info") for other in others] == [True]


@pytest.mark.parametrize(
    "pattern",
    [
        "protos/*.proto",
        "protos/*_pb2.pyi",
        "models/data/*.csv",
        "models/data/phone_latency.LICENSE.txt",
        "controller/views/report/*.html",
        "controller/api/web/pages/templates/*/*.html",
        "controller/api/web/pages/static/htmx.min.js",
        "controller/api/web/pages/static/htmx.LICENSE.txt",
        "controller/state/migrations/env.py",
        "controller/state/migrations/versions/*.py",
        "*/py.typed",
        "edgerank-*.dist-info/licenses/LICENSE",
    ],
)
def test_files_read_at_run_time_are_in_the_wheel(names: set[str], pattern: str) -> None:
    assert any(fnmatch(name, pattern) for name in names)


@pytest.mark.parametrize("package", PACKAGES)
def test_each_package_says_that_it_is_typed(names: set[str], package: str) -> None:
    assert f"{package}/py.typed" in names
