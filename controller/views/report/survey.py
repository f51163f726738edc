"""A survey in words: the source's tables, and each claim with what figures say of it."""

import shlex
from collections.abc import Iterator, Sequence
from typing import Final

from controller.domain.quantities import format_number
from controller.domain.rankings.survey import (
    ClaimedBest,
    ClaimResult,
    DistillationClaim,
    FlopsClaim,
    Survey,
    SurveyedDevice,
    TierTable,
    ValueClaim,
)
from controller.views.counting import counted
from controller.views.report.parts import Heading, Part, Table
from controller.views.wording import median_words
from models.catalog.tiers import Tier

_VALUE: Final = "ReXNet_2_0 and EfficientNetB2 are the best value of the mobile tier"
_FLOPS: Final = "Low FLOPs do not mean low latency"
_DISTILLED: Final = "Distillation gives 2 to 4 points"
_BY_FLOPS: Final = "the catalog, by multiply-adds"
_MOST_PAIRS: Final = 40


def survey_parts(survey: Survey) -> Iterator[Part]:
    """Give the report's parts: the verdicts first, then each claim, then the tables."""
    yield Part(
        heading="What becomes of the source article's claims",
        sentences=tuple(_scope(survey)),
        table=Table((Heading("claim"), Heading("where"), Heading("it")), tuple(_verdicts(survey))),
    )
    yield from _value_parts(survey)
    yield from _flops_parts(survey.devices)
    yield _distillation_part(survey.distillation)
    for tier in survey.tiers:
        yield _tier_part(tier, survey.devices)


def _scope(survey: Survey) -> Iterator[str]:
    if survey.devices:
        settings = "; ".join(f"{each.device}: {_setting(each)}" for each in survey.devices)
        yield (
            "Each device is looked at in the one setting in which most backbones were measured: "
            f"{settings}."
        )
    if survey.without_figures:
        yield f"Nothing that counts was measured on {', '.join(survey.without_figures)}."


def _setting(device: SurveyedDevice) -> str:
    runtime = "unknown" if device.runtime is None else device.runtime.value
    backbones = counted(device.low_flops.backbone_count, "backbone")
    return f"{runtime}, {counted(device.threads or 1, 'thread')}, {backbones}"


def _verdicts(survey: Survey) -> Iterator[tuple[str, str, str]]:
    yield _VALUE, _BY_FLOPS, survey.published_best_value.result.value
    for device in survey.devices:
        yield _VALUE, device.device, device.best_value.result.value
    for device in survey.devices:
        yield _FLOPS, device.device, device.low_flops.result.value
    yield _DISTILLED, "the catalog", survey.distillation.result.value


def _value_parts(survey: Survey) -> Iterator[Part]:
    claims = [(_BY_FLOPS, survey.published_best_value, "")]
    claims += [(each.device, each.best_value, _missing_sweep(each)) for each in survey.devices]
    for where, claim, command in claims:
        yield Part(
            heading=f"{_VALUE}: {claim.result.value} ({where})",
            sentences=(
                "Value is how far a backbone lies above the line from the cheapest to the most "
                "accurate of the Pareto front, with the cost on a logarithmic scale. "
                f"{claim.known} of the tier's {claim.of} have a figure.",
                *_value_missing(claim),
            ),
            points=tuple(_claimed_words(each, claim.known) for each in claim.claimed),
            command=command if claim.result is ClaimResult.UNDECIDED else "",
        )


def _value_missing(claim: ValueClaim) -> Iterator[str]:
    if claim.result is ClaimResult.UNDECIDED:
        yield "It can be decided when the whole tier is measured, which this sweep does:"


def _missing_sweep(device: SurveyedDevice) -> str:
    words = ["edgerank", "sweep", "--models", "tier:mobile", "--devices", device.device]
    if device.runtime is not None:
        words += ["--runtimes", device.runtime.value, "--threads", str(device.threads)]
    return shlex.join(words)


def _claimed_words(claimed: ClaimedBest, known: int) -> str:
    if claimed.place is None:
        return f"{claimed.backbone}: not measured"
    beaten = ""
    if claimed.beaten_by:
        first, *others = claimed.beaten_by
        more = f" and {counted(len(others), 'other')}" if others else ""
        beaten = f"; {first}{more} surely cheaper and at least as accurate"
    return f"{claimed.backbone}: place {claimed.place} of {known}{beaten}"


def _flops_parts(devices: Sequence[SurveyedDevice]) -> Iterator[Part]:
    for device in devices:
        claim = device.low_flops
        yield Part(
            heading=f"{_FLOPS}: {claim.result.value} ({device.device})",
            sentences=(_correlation_words(claim),),
            table=_contradictions(claim),
            command=_missing_sweep(device) if claim.result is ClaimResult.UNDECIDED else "",
        )


def _correlation_words(claim: FlopsClaim) -> str:
    if claim.spearman is None or claim.spearman_low is None or claim.spearman_high is None:
        return (
            f"{counted(claim.backbone_count, 'backbone')} in one setting are too few for a rank "
            "correlation; measure 10 at least, as this sweep does:"
        )
    told = (
        f"Of {counted(claim.backbone_count, 'backbone')}, multiply-adds and median latency have a "
        f"Spearman rank correlation of {claim.spearman:.2f} [{claim.spearman_low:.2f}, "
        f"{claim.spearman_high:.2f}] and a Kendall tau-b of {claim.kendall or 0.0:.2f}. The claim "
        "holds where the interval ends below 0.90."
    )
    if claim.result is ClaimResult.UNDECIDED:
        return f"{told} More backbones narrow it, as this sweep:"
    return told


def _contradictions(claim: FlopsClaim) -> Table | None:
    if not claim.contradictions:
        return None
    return Table(
        (
            Heading("fewer multiply-adds"),
            Heading("than"),
            Heading("times fewer", is_right=True),
            Heading("times slower", is_right=True),
        ),
        tuple(
            (
                each.fewer,
                each.more,
                format_number(each.flops_ratio),
                format_number(each.latency_ratio),
            )
            for each in claim.contradictions
        ),
    )


def _distillation_part(claim: DistillationClaim) -> Part:
    told = f"{claim.within} of {counted(len(claim.pairs), 'pair')} gain 2 to 4 points"
    if None not in (claim.median_gain, claim.median_low, claim.median_high):
        told += (
            f"; the median gain is {claim.median_gain:.2f} points "
            f"[{claim.median_low:.2f}, {claim.median_high:.2f}]"
        )
    return Part(
        heading=f"{_DISTILLED}: {claim.result.value} (the catalog)",
        sentences=(
            f"{told}. It is published top-1, of distilled weights beside plain ones of the same "
            "network at the same size; the teacher's images beyond ImageNet-1k are part of it.",
        ),
        table=Table(
            (Heading("distilled"), Heading("plain"), Heading("gain, points", is_right=True)),
            tuple((p.distilled, p.plain, f"{p.gain:+.2f}") for p in claim.pairs[:_MOST_PAIRS]),
        ),
    )


def _tier_part(table: TierTable, devices: Sequence[SurveyedDevice]) -> Part:
    names = [device.device for device in devices]
    headings = (
        Heading("backbone"),
        Heading("top-1 %", is_right=True),
        Heading("G multiply-adds", is_right=True),
        Heading("% a G", is_right=True),
        *(heading for name in names for heading in _device_headings(name)),
    )
    rows = []
    for each in table.backbones:
        latencies = {latency.device: latency for latency in each.latencies}
        cells = [
            each.backbone,
            f"{each.top1:.2f}",
            format_number(each.flops_g),
            format_number(each.top1_per_flops_g),
        ]
        for name in names:
            found = latencies.get(name)
            cells += (
                ["", ""]
                if found is None
                else [
                    median_words(found.median_ms, found.low_ms, found.high_ms),
                    format_number(found.top1_per_ms),
                ]
            )
        rows.append(tuple(cells))
    return Part(heading=f"{_TIER_WORDS[table.tier]} tier", table=Table(headings, tuple(rows)))


def _device_headings(name: str) -> tuple[Heading, Heading]:
    return Heading(f"{name}, ms", is_right=True), Heading("% a ms", is_right=True)


_TIER_WORDS: Final = {Tier.MOBILE: "Mobile", Tier.DESKTOP: "Desktop", Tier.SERVER: "Server"}
