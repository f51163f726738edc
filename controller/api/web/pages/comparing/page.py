"""The page that compares two of anything."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final

from fastapi import APIRouter, Request, Response

from controller.api.queries import Queries
from controller.api.web.pages.charts.ratios import ratio_chart
from controller.api.web.pages.comparing.asked import (
    Kind,
    TwoSides,
    read_comparison,
    read_kind,
)
from controller.api.web.pages.comparing.reach import reach
from controller.api.web.pages.comparing.sides import compare_sides
from controller.api.web.pages.ground.site import page
from controller.api.web.parts import Parts, parts_of
from controller.api.web.problems import HTTP_STATUSES
from controller.domain.comparisons import (
    Change,
    ComparedPair,
    CompareQuestion,
    Comparison,
    Limits,
    Side,
)
from controller.domain.errors import EdgerankError, ErrorCode
from controller.domain.measurements import Measurement, MeasurementFilter
from controller.domain.names import find_backbone
from controller.domain.sweeps import SweepSummary
from controller.state.sweeps import list_sweeps
from controller.views.counting import counted
from controller.views.wording import setting
from models.catalog.catalog import Catalog, UnknownBackbone
from models.catalog.precisions import Precision
from protos.runtimes import Runtime

_PAIRS: Final = 100
_SUGGESTED: Final = 50
_MOST_DEVICES: Final = 500
_MOST_READ: Final = 50_000
_YES: Final = {True: "yes", False: "no"}
CHANGE_WORDS: Final[Mapping[Change, str]] = MappingProxyType(
    {
        Change.FASTER: "faster",
        Change.SLOWER: "slower",
        Change.SAME: "the same",
        Change.CANNOT_TELL: "cannot tell",
    }
)


def add_comparison(router: APIRouter) -> None:
    """Add the page that compares to the router."""

    @router.get("/compare")
    async def compare(request: Request) -> Response:
        parts = parts_of(request)
        asked = {name: text.strip() for name, text in request.query_params.items()}
        shown: dict[str, Any] = {"comparison": None, "problem": ""}
        kind, status = Kind.ANYTHING, 200
        try:
            kind = read_kind(asked)
            question = read_comparison(asked, kind)
            if question is not None:
                comparison = await _compared(parts, question)
                _check_backbones(parts.catalog, question, comparison)
                shown |= await parts.queries.computed(_shown, comparison, kind)
                shown["facts"] = _facts(parts.catalog, asked) if kind is Kind.BACKBONES else []
        except EdgerankError as error:
            status, shown["problem"] = HTTP_STATUSES[error.code], str(error)
        sweeps = await parts.queries.listed(list_sweeps, parts.database, most=_SUGGESTED)
        devices = await parts.queries.devices(with_removed=True)
        if shown["comparison"] is not None:
            shown["labels"] = _labels(shown["comparison"], asked, sweeps)
        return await page(
            request,
            "comparing/page.html",
            status=status,
            asked=asked,
            kind=kind.value,
            kinds=[each.value for each in Kind],
            change_words=CHANGE_WORDS,
            sweeps=[each for each in sweeps if not each.is_profile],
            devices=[each.name for each in devices[:_MOST_DEVICES]],
            backbones=[each.name for each in parts.catalog],
            runtimes=[each.value for each in Runtime],
            precisions=[each.value for each in Precision],
            **shown,
        )


async def _compared(parts: Parts, question: CompareQuestion | TwoSides) -> Comparison:
    queries = parts.queries
    if isinstance(question, CompareQuestion):
        await _check_size(parts, question)
        return await queries.compare(question)
    return await _sides_compared(queries, question)


async def _check_size(parts: Parts, question: CompareQuestion) -> None:
    """Refuses what would read more measurements than a page should.

    Raises:
        EdgerankError: INVALID_INPUT.
    """
    most = await parts.queries.listed(reach, parts.database, parts.catalog, question)
    if most > _MOST_READ:
        raise EdgerankError(
            ErrorCode.INVALID_INPUT,
            f"there are {most:,} measurements to look through, too many for a page; name a "
            "backbone or a device, or use 'edgerank compare'",
        )


def _check_backbones(
    catalog: Catalog, question: CompareQuestion | TwoSides, comparison: Comparison
) -> None:
    """Tells a name that nothing has from one of which nothing was measured.

    Raises:
        EdgerankError: UNKNOWN_NAME.
    """
    measured = {each.side for each in comparison.left_out}
    for side, asked in ((Side.A, question.a), (Side.B, question.b)):
        is_measured = bool(comparison.pairs) or side in measured
        if asked.backbone is not None and not is_measured:
            find_backbone(catalog, asked.backbone)


async def _sides_compared(queries: Queries, two: TwoSides) -> Comparison:
    a, b = two.a, two.b
    in_a = await queries.newest(MeasurementFilter(device=a.device, backbone=a.backbone))
    is_alike = (a.device, a.backbone) == (b.device, b.backbone)
    wanted = MeasurementFilter(device=b.device, backbone=b.backbone)
    in_b = in_a if is_alike else await queries.newest(wanted)
    return await queries.computed(compare_sides, a, b, in_a, in_b, Limits())


def _shown(comparison: Comparison, kind: Kind) -> dict[str, Any]:
    named = [(_name(pair, kind), pair) for pair in comparison.pairs]
    return {
        "comparison": comparison,
        "pairs": named[:_PAIRS],
        "pair_count": len(named),
        "counts": Counter(pair.change for pair in comparison.pairs),
        "left_out_count": len(comparison.left_out),
        "chart": ratio_chart(comparison, [(" · ".join(filter(None, n)), p) for n, p in named]),
    }


def _name(pair: ComparedPair, kind: Kind) -> tuple[str, str]:
    """What a pair is of, and in which setting, without what its sides differ in."""
    a, b = pair.a, pair.b
    words = setting(a) if setting(a) == setting(b) else f"{setting(a)} / {setting(b)}"
    if kind is Kind.BACKBONES:
        return a.device, words
    if kind is Kind.DEVICES or a.device != b.device:
        return a.backbone, words
    if kind is Kind.SETTINGS:
        return a.device, ", ".join(_common(a, b))
    return f"{a.backbone} on {a.device}", words


def _common(a: Measurement, b: Measurement) -> Iterator[str]:
    """What of the settings both have."""
    if a.runtime is b.runtime:
        yield a.runtime.value
    if a.threads == b.threads:
        yield counted(a.threads, "thread")
    if a.precision is b.precision:
        yield a.precision.value


def _labels(
    comparison: Comparison, asked: Mapping[str, str], sweeps: Sequence[SweepSummary]
) -> dict[str, str]:
    """What people call the sides."""
    names = {each.sweep_id: each.name for each in sweeps if each.name}
    sides = {"a": comparison.a, "b": comparison.b}
    return {
        side: names.get(text) or (asked[side] if text == f"backbone:{asked.get(side)}" else text)
        for side, text in sides.items()
    }


def _facts(catalog: Catalog, asked: Mapping[str, str]) -> list[tuple[str, str, str]]:
    """What is published of two backbones: a name, and what each has."""
    try:
        a, b = catalog.get(asked["a"]), catalog.get(asked["b"])
    except UnknownBackbone:
        return []

    def told(number: float | None, unit: str) -> str:
        return "not known" if number is None else f"{number:.4g} {unit}"

    return [
        ("Top-1 on ImageNet-1k", told(a.top1, "%"), told(b.top1, "%")),
        ("Parameters", told(a.params_m, "million"), told(b.params_m, "million")),
        ("Multiply-adds", told(a.flops_g, "G"), told(b.flops_g, "G")),
        ("Series", a.series, b.series),
        ("Distilled weights", _YES[a.distilled], _YES[b.distilled]),
    ]
