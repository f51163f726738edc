r"""A comparison on the terminal, kept in `pages/comparison.txt`.

When a page was meant to change, write them anew and look at what differs:

    python -c "from tests.unit.controller.cli.printing.rankings.test_comparison import *
    print(bound(pages()), end='')" \
        > tests/unit/controller/cli/printing/rankings/pages/comparison.txt
"""

from dataclasses import replace
from typing import Any

from controller.cli.printing.rankings.comparison import print_comparison
from controller.domain.comparisons import (
    Change,
    ComparedPair,
    Comparison,
    Limits,
    Side,
    Unpaired,
)
from controller.domain.measurements import Verdict
from protos.reasons import ReasonCode, reason
from protos.runtimes import Runtime
from tests.unit.controller.samples.measurements import failed, measurement, settings
from tests.unit.controller.samples.pages import COLUMNS, bound, kept, printed
from tests.unit.controller.samples.reasons import CRASHED, OLDER_COUNTS, WIDE

LONGEST = "SwinTransformerV2_large_patch4_window24_384"


def pair(change: Change, ratio: float, **changes: Any) -> ComparedPair:
    fields: dict[str, Any] = {
        "a": measurement("MobileNetV3_large_x1_0", 4.31, runtime_version="1.22.0"),
        "b": measurement("MobileNetV3_large_x1_0", 4.31 * ratio),
        "change": change,
        "ratio": ratio,
        "ratio_low": ratio * 0.98,
        "ratio_high": ratio * 1.03,
    }
    return ComparedPair(**(fields | changes))


def comparison(*pairs: ComparedPair, left_out: tuple[Unpaired, ...] = ()) -> Comparison:
    return Comparison(
        a="version:onnxruntime=1.22.0",
        b="version:onnxruntime=1.23.2",
        limits=Limits(regression_threshold=0.05),
        pairs=pairs,
        left_out=left_out,
    )


ALONE = (reason(ReasonCode.WITHOUT_PARTNER),)
ONCE = pair(
    Change.CANNOT_TELL,
    1.01,
    ratio_low=None,
    ratio_high=None,
    reason=reason(ReasonCode.ONE_REPETITION_IN_A, fewest=2),
)
HIDDEN = pair(
    Change.CANNOT_TELL,
    1.4,
    a=measurement("MobileNetV3_large_x1_0", 4.31, verdict=Verdict.DISTURBED, reasons=(WIDE,)),
    undecided_by_verdict=True,
    reason=reason(ReasonCode.SIDES_IN_DOUBT, {"a": "disturbed"}),
)
WIDEST = pair(
    Change.CANNOT_TELL,
    123.4,
    a=measurement(LONGEST, 10.2, verdict=Verdict.WIDE),
    b=measurement(LONGEST, 12_345, threads=2),
    reason=reason(ReasonCode.INTERVAL_HOLDS_ONE, margin=0.02),
)
ACROSS = pair(
    Change.FASTER,
    0.8,
    a=measurement("PPLCNet_x1_0", 5, settings=settings(cores=(4, 5))),
    b=measurement(
        "PPLCNet_x1_0",
        4,
        runtime=Runtime.PADDLELITE,
        settings=settings(Runtime.PADDLELITE, cores=(4, 5)),
    ),
)
BUILDS = pair(
    Change.SAME,
    1.001,
    a=measurement("PPLCNet_x1_0", 5, runtime_build="a83fc4d58c"),
    b=measurement("PPLCNet_x1_0", 5.005, runtime_build="4f2b1e09aa"),
)
LEFT_OUT = (
    Unpaired(side=Side.B, measurement=failed("LeViT_128S"), reasons=(CRASHED, OLDER_COUNTS)),
    Unpaired(side=Side.A, measurement=measurement("Gone"), reasons=ALONE),
    Unpaired(side=Side.B, measurement=measurement("New"), reasons=ALONE),
    Unpaired(side=Side.A, measurement=measurement("Hot", verdict=Verdict.THROTTLED)),
)


def comparisons() -> dict[str, Comparison]:
    """What is printed, by the title of its page."""
    return {
        "counts, medians, intervals and a regression": comparison(
            pair(Change.SLOWER, 1.2, is_regression=True),
            pair(Change.FASTER, 0.5),
            pair(Change.SAME, 1.001),
            left_out=LEFT_OUT,
        ),
        "why it cannot be told stands below once": comparison(ONCE, ONCE),
        "how many pairs noise leaves open": comparison(HIDDEN, pair(Change.SLOWER, 1.4)),
        "the widest of all": comparison(WIDEST, pair(Change.SLOWER, 9.9)),
        "two runtimes, two builds, and no threshold": replace(
            comparison(ACROSS, BUILDS), limits=Limits()
        ),
        "nothing in common": comparison(left_out=LEFT_OUT[:1]),
    }


def pages() -> dict[str, str]:
    return {title: printed(print_comparison, each) for title, each in comparisons().items()}


def test_comparisons_are_printed_as_they_are_kept() -> None:
    assert bound(pages()) == kept(__file__, "comparison")


def test_a_pair_fits_a_terminal_whatever_is_in_it() -> None:
    for page in pages().values():
        table = page.partition("\nLeft out")[0]
        assert max(map(len, table.splitlines())) <= COLUMNS
