"""What becomes of models that people have published: added, converted, measured, or why not."""

import itertools
import json
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.benchmarks.pages.section import Section
from tests.benchmarks.public.fetching import PublicModel, fetch, read_models
from tests.processes import edgerank, running_agent, running_controller

# No converter here reads it, which is said with what to do.
UNREADABLE = "program of Paddle 3"
LONGEST_REASON = 200
QUICK = (
    *("--repetitions", "2", "--precision", "20%", "--time-budget", "500ms", "--no-sentinel"),
    *("--max-temperature", "none", "--max-load", "none", "--min-battery", "none"),
)


@dataclass(frozen=True)
class Fate:
    """What became of a model; `why_not` is empty when it was measured."""

    model: PublicModel
    added: bool
    files: str
    median_ms: tuple[str, ...]
    why_not: str

    @property
    def is_as_promised(self) -> bool:
        """Whether it was measured, or is of a kind that cannot be and was refused."""
        return not self.added if self.model.kind == UNREADABLE else not self.why_not


def run() -> Section:
    """Every model of the table, through the commands that a person would type."""
    with tempfile.TemporaryDirectory() as folder:
        fates = list(_fates(Path(folder)))
    measured = [fate for fate in fates if not fate.why_not]
    classifiers = [fate for fate in fates if fate.model.kind == "classifier"]
    onnx = sum(_is_onnx(fate.model) for fate in classifiers)
    return Section(
        title="Models as they are published",
        promise="every network of this table that takes one image is added, converted and "
        "measured; a program of Paddle 3 is named as one. "
        f"{len(fates)} files, of which {onnx} are ONNX classifiers and "
        f"{len(classifiers) - onnx} Paddle classifiers: {sum(fate.added for fate in fates)} "
        f"were added, {len(measured)} converted and measured.",
        header=("package", "file", "what it is", "said", "added", "files made", "ms", "why not"),
        rows=[_row(fate) for fate in fates],
        holds=all(fate.is_as_promised for fate in fates),
    )


def _fates(folder: Path) -> Iterator[Fate]:
    with (
        running_controller(folder / "controller") as (_controller, address),
        running_agent(address, "pc", folder / "agent"),
    ):
        packages = itertools.groupby(read_models(), lambda model: (model.package, model.version))
        for number, (_, group) in enumerate(packages):
            models = list(group)
            with tempfile.TemporaryDirectory() as fetched:
                for place, path in enumerate(fetch(models, Path(fetched))):
                    yield _fate(models[place], f"public-{number}-{place}", path, address)


def _fate(model: PublicModel, name: str, path: Path, address: str) -> Fate:
    added = edgerank("models", "add", name, *_options(model, path), address=address)
    if added.returncode != 0:
        why = _error(added, name).replace(str(path.parent), "the folder")
        return Fate(model, added=False, files="", median_ms=(), why_not=why)
    converted = edgerank("convert", name, "--json", address=address)
    outcomes = json.loads(converted.stdout)
    ready = [each for each in outcomes if each["result"] in ("stored", "cached")]
    files = f"{len(ready)} of {len(outcomes)}"
    if len(ready) < len(outcomes):
        why = next(each["reason"] for each in outcomes if each not in ready)
        return Fate(model, added=True, files=files, median_ms=(), why_not=_short(why, name))
    swept = edgerank(
        "sweep", "--models", name, "--devices", "pc", *QUICK, "--json", address=address
    )
    if swept.returncode != 0:
        return Fate(model, added=True, files=files, median_ms=(), why_not=_error(swept, name))
    ended = json.loads(swept.stdout)["ended"]
    failed = [each for each in ended if each["median_ms"] is None]
    why = failed[0]["reasons"][0]["sentence"] if failed else ""
    medians = tuple(
        f"{each['median_ms']:.3g} ({each['runtime']})" for each in ended if each not in failed
    )
    return Fate(model, added=True, files=files, median_ms=medians, why_not=_short(why, name))


def _options(model: PublicModel, path: Path) -> tuple[str, ...]:
    size = ("--input-size", model.input_size) if model.input_size else ()
    kind = ("--onnx", str(path)) if _is_onnx(model) else ("--paddle", str(path.parent))
    return (*kind, *size)


def _is_onnx(model: PublicModel) -> bool:
    return model.file.endswith(".onnx")


def _error(done: subprocess.CompletedProcess[str], name: str) -> str:
    said = done.stderr.partition("error: ")[2] or done.stderr
    return _short(said, name) or f"exit code {done.returncode}"


def _short(text: str, name: str) -> str:
    """A reason without the name that the model has here, in one line."""
    words = " ".join(text.split()).removeprefix(f"{name} cannot be used: ")
    words = words.removesuffix("; nothing of it was kept").replace("|", "/")
    return words if len(words) <= LONGEST_REASON else f"{words[:LONGEST_REASON]} …"


def _row(fate: Fate) -> tuple[str, ...]:
    model = fate.model
    return (
        f"{model.package} {model.version} ({model.registry})",
        f"`{Path(model.file).name if _is_onnx(model) else Path(model.file).parent.name}`",
        model.kind,
        model.input_size,
        "yes" if fate.added else "no",
        fate.files,
        ", ".join(fate.median_ms),
        fate.why_not,
    )
