r"""Why one is where it is, the best setting, and what was not measured, kept in `pages/`.

When a page was meant to change, write it anew and look at what differs, for each NAME of `PAGES`:

    python -c "from tests.unit.controller.cli.printing.rankings.test_answers import *
    print(bound(PAGES['NAME']()), end='')" \
        > tests/unit/controller/cli/printing/rankings/pages/NAME.txt
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Final

import pytest
from rich.console import Console

from controller.cli.printing.rankings.explanation import print_explanations
from controller.cli.printing.rankings.fleet import print_each_device, print_fleet_ranking
from controller.cli.printing.rankings.parts import print_parts_below
from controller.cli.printing.rankings.tuning import print_tuning
from controller.domain.cores import CoreChoice, Cores
from controller.domain.measurements import Verdict
from controller.domain.rankings import Constraints, Merit, Ranking
from controller.domain.rankings.beside import RankingBeside
from controller.domain.rankings.explanations import Explanations
from controller.domain.rankings.fleet import FleetRanking
from controller.domain.rankings.limits import Bound, Criterion, Limit
from controller.domain.rankings.predicted import DevicePredictions
from controller.domain.rankings.reference import Agreement
from controller.domain.rankings.tuning import Fate, Setting, Trial, Tuning
from controller.ranking.explaining import explain
from controller.ranking.fleet import DeviceFigures, rank_fleet
from controller.ranking.ranking import rank
from controller.views.report.beside import Beside, beside_parts
from models.catalog.catalog import IMAGENET, load_catalog
from models.catalog.precisions import Precision
from models.catalog.variants import WeightsKind
from protos.runtimes import Runtime
from tests.unit.controller.samples.measurements import DEVICE, failed, measurement
from tests.unit.controller.samples.pages import COLUMNS, bound, kept, printed
from tests.unit.controller.samples.predictions import PREDICTIONS
from tests.unit.controller.samples.reasons import CRASHED, WIDE
from tests.unit.controller.samples.reports import REFERENCE

LONGEST = "SwinTransformerV2_large_patch4_window24_384"
MEASURED = (
    measurement("MobileNetV3_large_x1_0", 6.1, 0.04, top1=75.32),
    measurement("PPLCNet_x1_0", 4.312, 0.04, top1=71.32, runtime=Runtime.PADDLELITE),
    measurement("MobileNetV1", 9.5, 0.04, top1=70.99),
    measurement("MobileNetV2", 9.52, 0.04, top1=72.15),
    measurement("ReXNet_2_0", 19.5, 1, top1=81.22, verdict=Verdict.WIDE, reasons=(WIDE,)),
    measurement(LONGEST, 812.5, 4.5, top1=87.1, weights=WeightsKind.SYNTHETIC),
    failed("LeViT_128S"),
)
WITHIN_20_MS = Constraints(max_latency_ms=20)


def ranked(within: Constraints) -> Ranking:
    return rank(DEVICE, MEASURED, within, load_catalog())


def explained(within: Constraints, *names: str) -> str:
    told = tuple(explain(ranked(within), name) for name in names)
    return printed(print_explanations, Explanations(on_devices=told))


def why() -> dict[str, str]:
    """What `edgerank why` prints, by title."""
    fastest = Constraints(by=Merit.LATENCY)
    return {
        "a limit alone keeps it back": explained(WITHIN_20_MS, "ReXNet_2_0"),
        "the winner": explained(WITHIN_20_MS, "MobileNetV3_large_x1_0"),
        "beaten in everything": explained(Constraints(), "MobileNetV1"),
        "within nothing, of a long name": explained(WITHIN_20_MS, LONGEST),
        "a tie in latency": explained(fastest, "MobileNetV2"),
        "one that failed, one that nobody measured": explained(WITHIN_20_MS, "LeViT_128S", "VGG16"),
    }


def _trial(fate: Fate, median_ms: float, at: int = 1, **changes: object) -> Trial:
    known = {"runtime": Runtime.ONNXRUNTIME, "threads": 1, "precision": Precision.FP32}
    setting = Setting(**{**known, **changes})  # type: ignore[arg-type]
    measured = measurement("PPLCNet_x1_0", median_ms, 0.05, runtime=setting.runtime)
    return Trial(setting=setting, fate=fate, measurement=measured, round_number=at)


def tune() -> dict[str, str]:
    """What `edgerank tune` prints, by title."""
    best = _trial(Fate.BEST, 2.1, 3, threads=4)
    big = Cores(choice=CoreChoice.BIG)
    tuning = Tuning(
        device=DEVICE,
        backbone="PPLCNet_x1_0",
        limits=(Limit(criterion=Criterion.MEMORY, bound=Bound.AT_MOST, value=1e8),),
        trials=(
            best,
            _trial(Fate.TIED, 2.12, 3, threads=4, cores=big),
            _trial(Fate.LOST, 6.2),
            _trial(Fate.LOST, 4.4, 2, threads=2, runtime=Runtime.PADDLELITE),
            replace(
                _trial(Fate.BEYOND_LIMIT, 1.9, 2, precision=Precision.FP16),
                broken=(Criterion.MEMORY,),
            ),
            replace(
                _trial(Fate.FAILED, 1.0, precision=Precision.INT8_STATIC),
                measurement=None,
                reasons=(CRASHED,),
            ),
        ),
        rounds=3,
        sweep_ids=("s1", "s2", "s3"),
    )
    nothing = [replace(each, fate=Fate.FAILED, reasons=(CRASHED,)) for each in tuning.trials[-1:]]
    return {
        "a best setting, one that ties, and what each other lost by": printed(print_tuning, tuning),
        "none has a figure": printed(
            print_tuning, replace(tuning, trials=tuple(nothing), limits=(), rounds=1)
        ),
    }


def _beside(within: Constraints, told: DevicePredictions) -> str:
    ranking = ranked(within)
    beside = Beside(ranking, ranking.pareto_front, load_catalog())
    # What was measured alike is no offer: of a controller that has not measured it.
    reference = replace(
        REFERENCE.devices[0],
        pairs=tuple(
            replace(
                pair,
                published=replace(pair.published, backbone="ResNet50_vd"),
                agreement=Agreement.NOT_MEASURED,
            )
            for pair in REFERENCE.devices[0].pairs
        ),
    )
    unjudged = rank(DEVICE, [], within, load_catalog())
    answer = RankingBeside(
        ranking=ranking,
        predicted=beside.predicted(told),
        published=Beside(unjudged, (), load_catalog()).published(reference),
    )
    return printed(_print_beside, answer)


def _print_beside(console: Console, answer: RankingBeside) -> None:
    print_parts_below(console, beside_parts(answer))


def beside() -> dict[str, str]:
    """What `edgerank best` prints below an answer with what was not measured, by title."""
    limited = replace(WITHIN_20_MS, max_memory_bytes=100_000_000)
    nowhere = Beside(ranked(limited), (), load_catalog()).published(None)
    return {
        "what might be better, and would be faster": _beside(
            Constraints(by=Merit.LATENCY), PREDICTIONS
        ),
        "nothing is ahead": _beside(Constraints(min_top1=80), PREDICTIONS),
        "too little is measured": _beside(
            limited, replace(PREDICTIONS, settings=PREDICTIONS.settings[1:])
        ),
        "nobody published of it": printed(
            _print_beside, RankingBeside(ranking=ranked(limited), published=nowhere)
        ),
    }


def _fleet(within: Constraints) -> FleetRanking:
    figures = {
        "pc": {"PPLCNet_x1_0": 2.1, "MobileNetV2": 8.2, "ReXNet_2_0": 31.5},
        "board": {"PPLCNet_x1_0": 9.4, "MobileNetV2": 26.0, "ReXNet_2_0": 17.2},
    }
    top1 = {"PPLCNet_x1_0": 71.32, "MobileNetV2": 72.15, "ReXNet_2_0": 81.22}
    devices = [
        DeviceFigures(
            device=device,
            measurements=[
                measurement(name, ms, 0.1, top1=top1[name], device=device)
                for name, ms in of_device.items()
            ],
        )
        for device, of_device in figures.items()
    ]
    return rank_fleet(devices, within, load_catalog(), IMAGENET)


def fleet() -> dict[str, str]:
    """What `edgerank best --fleet` and `--each-device` print, by title."""
    strict = replace(WITHIN_20_MS, min_top1=72)
    nowhere = Constraints(max_latency_ms=8, min_top1=72)
    return {
        "one for all": printed(print_fleet_ranking, _fleet(WITHIN_20_MS)),
        "each has one, all have none": printed(print_fleet_ranking, _fleet(strict)),
        "none on either": printed(print_fleet_ranking, _fleet(nowhere)),
        "of each, one has none": printed(
            print_each_device, _fleet(Constraints(max_latency_ms=9.2, min_top1=71))
        ),
    }


PAGES: Final[Mapping[str, Callable[[], dict[str, str]]]] = {
    "why": why,
    "tune": tune,
    "beside": beside,
    "fleet": fleet,
}


@pytest.mark.parametrize("name", PAGES)
def test_answers_are_printed_as_they_are_kept(name: str) -> None:
    assert bound(PAGES[name]()) == kept(__file__, name)


@pytest.mark.parametrize("name", PAGES)
def test_no_line_is_wider_than_the_terminal_but_the_command_to_copy(name: str) -> None:
    lines = [line for page in PAGES[name]().values() for line in page.splitlines()]
    wide = [line for line in lines if len(line) > COLUMNS]
    assert all(line.startswith("  edgerank sweep ") for line in wide)
