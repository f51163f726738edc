"""The report as a person sees it: opened from disk in a real browser without a network."""

import dataclasses

import pytest
from playwright.sync_api import Page, expect

from controller.domain.measurements import Measurement, Verdict
from controller.domain.rankings import Constraints, Ranking
from controller.ranking.ranking import rank
from controller.views.report.render import render_report
from controller.views.sweeps.commands import sweep_command
from controller.views.wording import SYNTHETIC_NOTE, with_held_back
from models.catalog.catalog import Catalog, load_catalog
from models.catalog.tiers import Tier
from models.catalog.variants import WeightsKind
from protos.reasons import ReasonCode, reason
from protos.runtimes import Runtime
from tests.integration.report.conftest import Visitor
from tests.unit.controller.samples.measurements import (
    DEVICE,
    device,
    failed,
    measurement,
    sustained,
)
from tests.unit.controller.samples.reasons import CRASHED

DRAWN = "html[data-chart=drawn]"
POINTS = "g.candidates_marks path"


WIDE = reason(ReasonCode.SAMPLES_SPREAD, reached=0.09, wanted=0.01)
SHARED = reason(ReasonCode.CORES_SHARED, share=0.34)
HOT = reason(ReasonCode.LIMIT_IN_FORCE, {"limit": "cpu-thermal"}, repetition=1, repetitions=1)


def _suggested(ranking: Ranking) -> str:
    assert ranking.suggested_sweep is not None
    return sweep_command(ranking.suggested_sweep, ranking.constraints)


def _measured(name: str, median_ms: float, **changes: object) -> Measurement:
    known = load_catalog().get(name)
    return measurement(
        name,
        median_ms,
        median_ms * 0.01,
        known.top1,
        input_size=known.input_size,
        accuracy_source=known.source,
        **changes,
    )


RANKING = rank(
    DEVICE,
    [
        _measured("PPLCNet_x0_25", 1.1),
        _measured("PPLCNet_x1_0", 4.0),
        _measured("PPLCNet_x1_0", 9.0, runtime=Runtime.PADDLELITE),
        _measured("MobileNetV3_large_x1_0", 6.1, weights=WeightsKind.SYNTHETIC),
        _measured("MobileNetV3_large_x1_0", 6.12, threads=2),
        _measured("EfficientNetB2", 30.0, verdict=Verdict.WIDE, reasons=(WIDE,)),
        failed("LeViT_128S"),
    ],
    Constraints(max_latency_ms=20, only=(Verdict.OK,)),
    load_catalog(),
)


@pytest.fixture(scope="module")
def report() -> str:
    return render_report(RANKING, device())


def _background(page: Page) -> str:
    found: str = page.evaluate("getComputedStyle(document.body).backgroundColor")
    return found


def test_it_opens_without_a_network_and_without_a_complaint(visit: Visitor, report: str) -> None:
    visited = visit(report)
    visited.page.wait_for_selector(DRAWN)
    visited.page.hover(f"{POINTS} >> nth=0")
    expect(visited.page.locator("#vg-tooltip-element")).to_contain_text("median [95 %]")
    assert [url for url in visited.requests if not url.startswith("file:")] == []
    assert len(visited.requests) == 1
    assert visited.complaints == []


def test_every_candidate_is_a_point_with_an_interval_and_a_row(visit: Visitor, report: str) -> None:
    page = visit(report).page
    page.wait_for_selector(DRAWN)
    count = len(list(with_held_back(RANKING)))
    assert count == 6
    expect(page.locator(POINTS)).to_have_count(count)
    expect(page.locator("#ranking tbody tr")).to_have_count(count)
    expect(page.locator("#provenance tbody tr")).to_have_count(count)
    expect(page.locator("#left-out li")).to_have_count(1)
    names = page.locator("#chart text", has_text="PPLCNet_x0_25")
    expect(names).to_have_count(1)


def test_what_only_its_verdict_leaves_out_is_shown_hollow_marked_and_counted(
    visit: Visitor, report: str
) -> None:
    page = visit(report).page
    page.wait_for_selector(DRAWN)
    expect(page.locator(f"{POINTS}[fill-opacity='0']")).to_have_count(1)
    # Filled or hollow, its colour is explained.
    expect(page.locator("#chart text", has_text="paddlelite")).to_have_count(1)
    row = page.locator("#ranking tbody tr", has_text="EfficientNetB2")
    expect(row.locator(".mark")).to_have_text("wide")
    expect(row).to_contain_text("left out: wide, the interval is ±9 %")
    expect(page.locator("#held-back")).to_have_text(
        "Not ranked for their verdict: 1 wide; it counts without --only."
    )


def test_what_the_device_is_and_what_emulates_it_is_told(visit: Visitor) -> None:
    real = device().profile
    emulated = dataclasses.replace(
        real, board="Pixel 6", emulator="qemu-user", android_properties={"ro.product.model": "x"}
    )
    page = visit(render_report(RANKING, device(profile=emulated))).page
    expect(page.locator("header")).to_contain_text(
        "emulated (qemu-user): latencies are those of another CPU"
    )
    facts = page.locator("#device")
    expect(facts).to_contain_text("Pixel 6, brcm,bcm2712")
    expect(facts).to_contain_text("4 x 2.40 GHz")
    expect(facts).to_contain_text("L1 data 4 x 65.5 kB")
    expect(facts).to_contain_text("ro.product.model=x")
    expect(visit(render_report(RANKING, device())).page.locator("header")).not_to_contain_text(
        "emulated"
    )


def test_with_nothing_that_counts_every_figure_is_still_shown(visit: Visitor) -> None:
    doubtful = [
        _measured("PPLCNet_x1_0", 4.0, verdict=Verdict.DISTURBED, reasons=(SHARED,)),
        _measured("PPLCNet_x0_25", 1.1, verdict=Verdict.WIDE, reasons=(WIDE,)),
    ]
    ranking = rank(DEVICE, doubtful, Constraints(only=(Verdict.OK,)), load_catalog())
    visited = visit(render_report(ranking, device()))
    visited.page.wait_for_selector(DRAWN)
    expect(visited.page.locator("h1")).to_have_text(
        "No measured candidate on pi5 has a verdict that counts (only ok)"
    )
    expect(visited.page.locator(POINTS)).to_have_count(2)
    expect(visited.page.locator("#left-out")).to_have_count(0)
    expect(visited.page.locator("pre")).to_have_text(_suggested(ranking))
    assert visited.complaints == []


def test_the_answer_ties_and_provenance_are_in_words(visit: Visitor, report: str) -> None:
    page = visit(report).page
    expect(page).to_have_title(
        "Best on pi5 (at most 20 ms, only ok): MobileNetV3_large_x1_0 (onnxruntime, 1 thread)"
    )
    body = page.locator("main")
    for words in (
        "cannot be told apart from the winner: the same top-1",
        SYNTHETIC_NOTE,
        "Cortex-A76, aarch64, 4 logical cores",
        "a7a7a7a7a7a7",
        "5f5f5f5f5f5f",
        "paddlelite 2.13rc0",
        CRASHED.words["detail"],
    ):
        expect(body).to_contain_text(words)


def test_the_table_sorts_by_a_click_or_a_key_and_says_so(visit: Visitor, report: str) -> None:
    page = visit(report).page
    heading = page.locator("#ranking th", has_text="Median")
    first = page.locator("#ranking tbody tr >> nth=0").locator("th")
    heading.locator("button").click()
    expect(heading).to_have_attribute("aria-sort", "ascending")
    expect(first).to_contain_text("PPLCNet_x0_25")
    heading.locator("button").press("Enter")
    expect(heading).to_have_attribute("aria-sort", "descending")
    expect(first).to_contain_text("EfficientNetB2")


def test_page_and_chart_follow_light_and_dark(visit: Visitor, report: str) -> None:
    page = visit(report, color_scheme="light").page
    page.wait_for_selector(DRAWN)
    read_fill = f"getComputedStyle(document.querySelector('{POINTS}')).fill"
    light = (_background(page), page.evaluate(read_fill))
    page.emulate_media(color_scheme="dark")
    dark = (_background(page), page.evaluate(read_fill))
    assert light[0] != dark[0]
    assert light[1] != dark[1]
    page.emulate_media(color_scheme="dark", media="print")
    assert page.evaluate(read_fill) == light[1]


@pytest.mark.parametrize("width", [390, 1200])
def test_it_fits_a_phone_and_a_desk(visit: Visitor, report: str, width: int) -> None:
    page = visit(report, viewport={"width": width, "height": 800}).page
    page.wait_for_selector(DRAWN)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    chart = page.locator("#chart svg").bounding_box()
    assert chart is not None
    assert width * 0.6 < chart["width"] <= width


OVERFLOWING = "[...document.querySelectorAll('.scroll')].map(e => e.scrollWidth - e.clientWidth)"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_on_a_phone_a_row_is_a_block_with_each_figure_beside_its_name(
    visit: Visitor, report: str, scheme: str
) -> None:
    page = visit(report, viewport={"width": 390, "height": 844}, color_scheme=scheme).page
    assert page.evaluate(OVERFLOWING) == [0, 0]
    row = page.locator("#ranking tbody tr").first
    for label, cell in zip(("Top-1, %", "Median, ms"), row.locator("td").all(), strict=False):
        assert cell.get_attribute("data-label") == label
        shown = cell.evaluate("e => getComputedStyle(e, '::before').content")
        assert shown == f'"{label}"'
    # The names that a table is sorted by stay to be pressed.
    page.locator("#ranking thead button", has_text="Median").click()
    expect(page.locator("#ranking tbody tr").first).to_contain_text("PPLCNet_x0_25")


def test_on_a_phone_minutes_go_on_to_the_right_below_their_names(visit: Visitor) -> None:
    hot = sustained("A", {minute: 10.0 + minute for minute in range(1, 31)}, top1=76)
    ranking = rank(DEVICE, [hot], Constraints(at_minute=2), load_catalog())
    page = visit(render_report(ranking, device()), viewport={"width": 390, "height": 844}).page
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    name = page.locator("#minutes tbody th")
    left = "e => e.getBoundingClientRect().left"
    before = name.evaluate(left)
    page.evaluate("document.querySelector('#minutes').parentElement.scrollLeft = 400")
    assert name.evaluate(left) == before


def test_without_javascript_every_figure_is_still_there(visit: Visitor, report: str) -> None:
    page = visit(report, java_script_enabled=False).page
    expect(page.locator("#ranking tbody tr")).to_have_count(6)
    expect(page.locator("main")).to_contain_text("6.10 ms")


def test_chart_and_tables_can_be_found_by_name(visit: Visitor, report: str) -> None:
    page = visit(report).page
    page.wait_for_selector(DRAWN)
    expect(page.get_by_role("figure", name="Accuracy against latency")).to_be_visible()
    expect(page.get_by_role("region", name="Ranking")).to_be_visible()
    expect(page.get_by_role("columnheader", name="p99, ms")).to_be_visible()
    expect(page.locator("#ranking").get_by_role("rowheader").first).to_be_visible()
    expect(page.get_by_label("6 candidates on pi5, top-1 against median latency")).to_be_visible()


def test_sustained_inference_is_told_minute_by_minute(visit: Visitor) -> None:
    hot = sustained("Hot", {1: 10, 3: 30}, top1=76, verdict=Verdict.THROTTLED, reasons=(HOT,))
    cool = sustained("Cool", {1: 14, 2: 14, 3: 14})
    ranking = rank(DEVICE, [hot, cool], Constraints(at_minute=3), Catalog([]))
    visited = visit(render_report(ranking, device()))
    cells = visited.page.locator("#minutes tbody tr", has_text="Hot").locator("td")
    # No inference began in its second minute.
    expect(cells).to_have_text(["10.0", "", "30.0"])
    expect(visited.page.locator("#ranking tbody tr", has_text="Hot")).to_contain_text("throttled")
    expect(visited.page.locator("h1")).to_contain_text("at minute 3")
    assert visited.complaints == []


def test_names_from_outside_are_text_wherever_they_appear(visit: Visitor) -> None:
    hostile = "</script><script>alert(1)</script><img src=http://x.invalid/ onerror=alert(2)>'\"&"
    ranking = rank(
        hostile,
        [
            measurement(hostile, device=hostile, runtime_build=hostile),
            failed(
                hostile,
                reason(ReasonCode.CRASHED, {"detail": hostile}),
                device=hostile,
                threads=2,
            ),
        ],
        Constraints(),
        Catalog([]),
    )
    profile = dataclasses.replace(device().profile, cpu_model=hostile, operating_system=hostile)
    visited = visit(
        render_report(ranking, device(name=hostile, profile=profile, labels={hostile: hostile}))
    )
    visited.page.wait_for_selector(DRAWN)
    visited.page.hover(POINTS)
    expect(visited.page.locator("#vg-tooltip-element")).to_contain_text("alert(1)")
    expect(visited.page.locator("img")).to_have_count(0)
    expect(visited.page.locator("h1")).to_contain_text(hostile)
    assert len(visited.requests) == 1
    assert visited.complaints == []


def test_with_nothing_measured_it_says_which_sweep_to_run(visit: Visitor) -> None:
    nothing: Ranking = rank(DEVICE, [], Constraints(tier=Tier.MOBILE), load_catalog())
    visited = visit(render_report(nothing, device()))
    expect(visited.page.locator("h1")).to_have_text(
        "No candidate was measured on pi5 (mobile tier)"
    )
    expect(visited.page.locator("pre")).to_have_text(_suggested(nothing))
    expect(visited.page.locator("#chart")).to_have_count(0)
    assert visited.complaints == []
