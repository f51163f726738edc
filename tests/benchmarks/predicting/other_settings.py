"""Other settings of the same device are known: threads, runtimes, and memory besides.

A controller knows of a device whatever was measured there. Who measured its networks with one
thread and asks for two, or in one runtime and asks for the other, is told more than of a device
that is new.
"""

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from typing import Final

from controller.domain.rankings.predictions import Elsewhere, Figure
from tests.benchmarks.pages.section import Section
from tests.benchmarks.predicting.leaving_out import PROMISE, SUBJECTS, holds, number
from tests.benchmarks.predicting.methods import METHODS, Method
from tests.benchmarks.predicting.tables import SURVEYED, Recorded, peaks, reference
from tests.benchmarks.predicting.trials import CHOSEN, HEADER, MEASURED, OURS, Subject, rows

Row = Sequence[str]
_Asked = tuple[Subject, int]

# What multiply-adds tell does not depend on what else is known: see the table of devices left out.
_BY_OTHERS: Final[Mapping[str, Method]] = {
    name: METHODS[name] for name in ("edgerank", "nearest device")
}
_OTHER_RUNTIME: Final = "the other runtime"
_PUBLISHED: Final = "Snapdragon 855, Paddle Lite, FP32, "
_COVERED: Final = (88, 92)


def run_settings() -> Section:
    """Latency, with all networks of another number of threads or of the other runtime known."""
    found = _each_of(latencies())
    return Section(
        title="Predictions where other settings of the device are known",
        promise=f"{PROMISE[:-1]}, as for a device that is new.",
        header=("setting; of the same device is known", *HEADER[1:]),
        rows=found,
        holds=holds(found),
    )


def run_memory() -> Section:
    """Peak memory on the survey's machine."""
    found = _each_of(memories())
    covered = [number(row[10].split(" ")[0]) for row in found if row[3] in (OURS, CHOSEN)]
    least, most = _COVERED
    return Section(
        title="Predictions of peak memory",
        promise=f"intervals of 90 % hold {least} to {most} % of what is measured; of errors none "
        "was made.",
        header=("setting; of the same device is known", *HEADER[1:]),
        rows=found,
        holds=bool(covered) and all(least <= each <= most for each in covered),
    )


def _each_of(subjects: Iterator[Subject]) -> list[Row]:
    asked = [(subject, count) for subject in subjects for count in MEASURED]
    with ProcessPoolExecutor() as pool:
        return [row for several in pool.map(_tried, asked) for row in several]


def _tried(asked: _Asked) -> list[Row]:
    return list(rows(*asked))


def latencies() -> Iterator[Subject]:
    """Each setting of a device that was measured in several, by what may be known of the others."""
    tables, features = reference()
    shown = {name: each for name, each in SUBJECTS.items() if _is_of_several(name)}
    of_several = {each.name: each for each in tables if each.name in shown}
    for name, short in shown.items():
        subject = of_several[name]
        values = {n: v for n, v in subject.values.items() if n in features}
        for what, others in _known(subject, list(of_several.values())):
            yield Subject(
                shown=f"{short}; {what}",
                values=values,
                features=features,
                elsewhere=_elsewhere(others),
                methods=_BY_OTHERS,
            )


def memories() -> Iterator[Subject]:
    """Each setting of the survey, with nothing known of its device, and with the other runtime."""
    _, features = reference()
    tables = peaks()
    for subject in tables:
        known = dict(_known(subject, tables))
        tried: tuple[tuple[str, Mapping[str, Method]], ...] = (
            ("nothing", METHODS),
            (_OTHER_RUNTIME, _BY_OTHERS),
        )
        for what, methods in tried:
            yield Subject(
                shown=f"{SUBJECTS[subject.name]}; {what}",
                values={n: v for n, v in subject.values.items() if n in features},
                features=features,
                elsewhere=_elsewhere(known.get(what, ())),
                figure=Figure.MEMORY,
                methods=methods,
            )


def _is_of_several(name: str) -> bool:
    """Whether its device was measured in several settings of one build."""
    return name.startswith((_PUBLISHED, SURVEYED))


def _known(subject: Recorded, tables: Sequence[Recorded]) -> Iterator[tuple[str, list[Recorded]]]:
    """What may be known of the same device, and its tables."""
    others = [each for each in tables if each.device == subject.device and each != subject]
    threads = [each for each in others if _runtime(each) == _runtime(subject)]
    runtimes = [each for each in others if _runtime(each) != _runtime(subject)]
    if threads:
        yield "other numbers of threads", threads
    if runtimes:
        yield _OTHER_RUNTIME, runtimes


def _runtime(table: Recorded) -> str:
    return table.setting.split(",", maxsplit=1)[0]


def _elsewhere(tables: Sequence[Recorded]) -> list[Elsewhere]:
    return [Elsewhere(setting=each.name, values=each.values) for each in tables]
