"""Races on a device that is new, with and without what other devices took: the same runs each.

What others took is of published tables and of our survey, less all settings of the device itself.
No table has two devices of one kind: what another one takes is drawn about what the first does.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Final

import numpy as np

from controller.domain.rankings.predictions import Elsewhere
from controller.fleet.rounds.expecting import network_name
from models.catalog.catalog import load_catalog
from tests.benchmarks.pages.section import Section
from tests.benchmarks.predicting.tables import SURVEYED as MACHINE
from tests.benchmarks.predicting.tables import Recorded, reference
from tests.benchmarks.racing.foreseen import ASKED, told, verdict
from tests.benchmarks.racing.proof import FRONTS, LEAST_RIGHT, SHARE, each_run
from tests.benchmarks.racing.tables import SURVEYED, TABLES, Known, read_table
from tests.benchmarks.size import scaled

# A race takes one to two seconds.
RUNS: Final = 20
# Standard deviation of what one network takes on two devices of a kind, on the logarithm: a guess.
_KIND: Final = 0.05
# Two devices were published of whose runtimes the builds are the same.
_TABLES: Final = (*FRONTS, "V100, TensorRT")


def run() -> Section:
    """The front and the winner under a limit, of each table, as in `foreseen`."""
    runs = scaled(RUNS)
    rows, held = [], []
    for name in _TABLES:
        known = read_table(name)
        for asked, one in ASKED:
            for what, others in _known(name, known):
                found = each_run(partial(one, known, elsewhere=others), runs)
                held.append(sum(is_right for is_right, _, _ in found) / runs)
                rows.append((name, str(len(known)), asked, what, *told(found, len(known))))
    return Section(
        title="Races beside other devices",
        promise=f"as above, in {LEAST_RIGHT:.0%} of the runs; {runs} each, the same with nothing "
        "known, with what other devices took, and with what one of its kind did, with at most "
        f"{SHARE:.0%} of the processes of a full sweep.",
        header=(
            *("table", "backbones", "asked for", "known", "held", "decided before"),
            *("processes, mean", "of a sweep", "never measured, mean"),
        ),
        rows=rows,
        holds=verdict(held, runs),
    )


def _known(name: str, known: Sequence[Known]) -> Iterator[tuple[str, Sequence[Elsewhere]]]:
    """What is known when the race begins."""
    yield "nothing", ()
    yield "other devices", others_of(name, known)
    yield f"one of its kind, {_KIND:.0%} apart", [of_its_kind(known)]


def of_its_kind(known: Sequence[Known]) -> Elsewhere:
    """What another device of a table's kind takes, each network a little more or less."""
    rng = np.random.default_rng(len(known))
    off = np.exp(rng.normal(0, _KIND, len(known)))
    values = {
        network_name((each.name, load_catalog().get(each.name).input_size)): each.latency_ms * by
        for each, by in zip(known, off.tolist(), strict=True)
    }
    return Elsewhere(setting="one of its kind", values=values)


def others_of(name: str, known: Sequence[Known]) -> list[Elsewhere]:
    """What a controller would know of other devices than that of a table."""
    device = MACHINE if name in SURVEYED else TABLES[name][0]
    raced = {each.name for each in known}
    backbones: defaultdict[str, list[str]] = defaultdict(list)
    sizes = {}
    for each in sorted(load_catalog(), key=lambda one: (one.name not in raced, one.name)):
        backbones[f"{each.architecture} at {each.input_size.height} px"].append(each.name)
        sizes[each.name] = each.input_size
    # Those that race, and of an architecture that none is of the first.
    names = {
        network: [network_name((each, sizes[each])) for each in those if each in raced]
        or [network_name((those[0], sizes[those[0]]))]
        for network, those in backbones.items()
    }
    return [_elsewhere(each, names) for each in reference()[0] if each.device != device]


def _elsewhere(recorded: Recorded, names: dict[str, list[str]]) -> Elsewhere:
    values = {name: ms for network, ms in recorded.values.items() for name in names[network]}
    return Elsewhere(setting=recorded.name, values=values)
