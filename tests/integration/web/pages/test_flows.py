"""What people do on the pages: ask, look closer, plan and steer sweeps."""

import re
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import expect

from tests.integration.web.conftest import web_of
from tests.integration.web.pages.conftest import Lab, Visitor, barriers, drawn
from tests.integration.web.pages.lab import DEVICES, DRIFTS, FAILS, fill
from tests.processes import running_controller

POINTS = "#pareto g.candidates_marks path"


@pytest.fixture(scope="module")
def busy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """A lab in the middle of its sweep."""
    state: Path = tmp_path_factory.mktemp("busy") / "state"
    sweep_id = fill(state, backbones=("PPLCNet_x1_0", FAILS), measured=9)
    with running_controller(state, 0, "--web-port", "0") as (controller, _address):
        yield Lab(web_of(controller), sweep_id)


def test_the_answer_follows_the_form_and_the_address_the_answer(lab: Lab, visit: Visitor) -> None:
    visited = visit(f"{lab.url}?device=desk")
    page = visited.page
    drawn(page)
    before = page.locator("#answer h2").inner_text()
    page.get_by_label("Latency at most", exact=True).fill("1")
    expect(page.locator("#answer h2")).not_to_have_text(before)
    page.wait_for_url("**/?device=desk&max_latency_ms=1")
    drawn(page)
    answer = page.locator("#answer h2").inner_text()
    # Who is sent the address sees the same, form and answer.
    other = visit(page.url).page
    assert other.locator("#answer h2").inner_text() == answer
    expect(other.get_by_label("Latency at most", exact=True)).to_have_value("1")
    page.go_back()
    expect(page.locator("#answer h2")).to_have_text(before, use_inner_text=True)
    expect(page.get_by_label("Latency at most", exact=True)).to_have_value("")
    assert visited.complaints == []


def test_a_slider_writes_its_number_and_back(lab: Lab, visit: Visitor) -> None:
    page = visit(f"{lab.url}?device=desk").page
    slider = page.get_by_label("Top-1 at least, %")
    number = page.get_by_label("Top-1 at least", exact=True)
    slider.fill("500")
    expect(number).to_have_value("70")
    page.wait_for_url("**/?device=desk&min_top1=70")
    number.fill("80")
    expect(slider).to_have_value("750")
    slider.fill("0")
    expect(number).to_have_value("")
    expect(slider).to_have_attribute("aria-valuetext", "any")


def test_every_limit_has_its_field_and_stands_in_the_address(lab: Lab, visit: Visitor) -> None:
    query = "device=desk&max_p90_ms=9&max_p99_ms=8&max_artifact_mb=90&max_params_m=20"
    kinds = "series=PP-LCNet%2CResNet&distilled=no&extra_data=no&precision=fp32&threads=1"
    page = visit(f"{lab.url}?{query}&{kinds}").page
    for label, value in (("p90 at most", "9"), ("p99 at most", "8"), ("Threads", "1")):
        expect(page.get_by_label(label, exact=True)).to_have_value(value)
    expect(page.locator("#series")).to_have_value("PP-LCNet,ResNet")
    expect(page.locator("details[open] .count")).to_have_text(["4 set", "3 set", "2 set"])
    page.get_by_label("Distilled weights").select_option("")
    page.wait_for_url(lambda url: "distilled" not in url and "max_p99_ms=8" in url)
    expect(page.locator("details[open] .count").nth(1)).to_have_text("2 set")


def test_contradictory_limits_say_which_one_empties_the_set(lab: Lab, visit: Visitor) -> None:
    page = visit(f"{lab.url}?device=desk&max_latency_ms=1&min_top1=75").page
    expect(page.locator("#effects li")).to_have_count(2)
    expect(page.locator("#effects li").last).to_contain_text("68.24 %, 6.76 points")


def test_limits_that_leave_no_backbone_for_a_fleet_say_which_and_where(
    lab: Lab, visit: Visitor
) -> None:
    page = visit(f"{lab.url}fleet?max_latency_ms=2.5&min_top1=70").page
    expect(page.locator("#effects li")).to_have_count(2)
    expect(page.locator("#each-device tbody tr")).to_have_count(len(DEVICES))
    expect(page.locator("#each-device tbody tr", has_text="desk")).to_contain_text("MobileNetV3")
    expect(page.locator("#each-device tbody tr", has_text="pi5")).to_contain_text("over the limit")


def test_an_answer_at_a_confidence_tells_who_may_be_the_first(lab: Lab, visit: Visitor) -> None:
    page = visit(f"{lab.url}?device=desk&confidence=95&series=PP-LCNet").page
    expect(page.locator("#may-be-first tbody tr")).to_have_count(1)
    expect(page.locator("#may-be-first tbody")).to_contain_text("PPLCNet_x0_25")
    refused = f"{lab.url}?device=desk&confidence=95&by=value"
    assert httpx.get(refused, trust_env=False, timeout=60).status_code == 400


def test_of_many_ties_the_names_come_first_and_the_figures_stay_in_view(
    lab: Lab, visit: Visitor
) -> None:
    page = visit(f"{lab.url}?device=desk&by=memory", viewport={"width": 1_200, "height": 850}).page
    expect(page.locator(".tie > p a")).to_have_count(5)
    expect(page.locator(".tie > p")).to_contain_text("and 22 more")
    figures = page.locator("#answer .figures").bounding_box()
    assert figures is not None
    assert figures["y"] + figures["height"] < 850
    page.get_by_text("Why not").click()
    expect(page.locator(".tie li")).to_have_count(5)
    expect(page.locator(".tie li").first).to_be_visible()
    assert barriers(page) == []


def test_a_point_tells_everything_and_opens_its_measurement(lab: Lab, visit: Visitor) -> None:
    visited = visit(f"{lab.url}?device=desk")
    page = visited.page
    drawn(page)
    expect(page.locator(POINTS)).to_have_count(28)
    page.hover(f"{POINTS} >> nth=0")
    expect(page.locator("#vg-tooltip-element")).to_contain_text("median [95 %]")
    page.click(f"{POINTS} >> nth=0")
    page.wait_for_url("**/measurements/*")
    assert visited.complaints == []


def test_what_cannot_be_asked_is_said(lab: Lab) -> None:
    for query, status in (
        ("device=desk&max_latency_ms=-3", 400),
        ("device=desk&max_latency=3", 400),
        ("device=desk&tier=cloud", 400),
        ("device=nobody", 404),
        ("device=desk&series=MobileNet", 404),
        ("device=desk&min_top1=99", 200),
    ):
        assert httpx.get(f"{lab.url}?{query}", trust_env=False, timeout=60).status_code == status
    misspelt = httpx.get(f"{lab.url}fleet?max_latency=3", trust_env=False, timeout=60)
    assert misspelt.status_code == 400
    for page, near in (
        ("fleet?device=pi5", "write devices"),
        ("fleet?all=1", "nothing that can be asked"),
        ("compare?a=desk&b=pi5&divice=desk", "write device"),
        ("sweeps?befor=x", "write before"),
        ("sweeps/new?model=MobileNetV1", "write models"),
        (f"sweeps/{lab.sweep_id}?after=3", "write before"),
    ):
        refused = httpx.get(lab.url + page, trust_env=False, timeout=60)
        assert (page, refused.status_code, near in refused.text) == (page, 400, True)
    assert "max_latency_ms" in misspelt.text


def test_failures_of_a_sweep_have_their_reasons(lab: Lab, visit: Visitor) -> None:
    page = visit(f"{lab.url}sweeps/{lab.sweep_id}").page
    expect(page.locator("#phase")).to_have_text("ended")
    expect(page.locator("#failures li")).to_have_count(6)
    expect(page.locator("#failures li").first).to_contain_text("SIGSEGV")


def test_what_ended_in_a_sweep_is_shown_by_pages(lab: Lab, visit: Visitor) -> None:
    page = visit(f"{lab.url}sweeps/{lab.sweep_id}").page
    seen = page.locator("#outcomes tbody th a").all_text_contents()
    page.get_by_role("link", name="Older ones").click()
    expect(page.get_by_role("link", name="To the newest")).to_be_visible()
    expect(page.get_by_role("link", name="Older ones")).to_have_count(0)
    older = page.locator("#outcomes tbody th a").all_text_contents()
    # Fifteen backbones with two runtimes on three devices, the sentinels not among them.
    assert len(seen) + len(older) == 90
    refused = httpx.get(f"{lab.url}sweeps/{lab.sweep_id}?before=x", trust_env=False, timeout=60)
    assert refused.status_code == 400


def test_the_list_of_sweeps_goes_on_behind_one(lab: Lab) -> None:
    behind = httpx.get(f"{lab.url}sweeps?before={lab.sweep_id}", trust_env=False, timeout=60)
    assert behind.status_code == 200
    assert f"/sweeps/{lab.sweep_id}" not in behind.text
    assert (
        httpx.get(f"{lab.url}sweeps?before=nothing", trust_env=False, timeout=60).status_code == 404
    )


def test_a_device_tells_when_it_drifted(lab: Lab, visit: Visitor) -> None:
    page = visit(f"{lab.url}devices/{DRIFTS}").page
    expect(page.locator("#sentinel tbody tr")).to_have_count(2)
    expect(page.locator("#sentinel .verdict")).to_have_text(["changed", "steady"])
    page.goto(f"{lab.url}devices/desk")
    expect(page.locator("#sentinel .verdict")).to_have_text(["steady"])


@pytest.mark.parametrize(
    ("query", "pairs", "change"),
    [
        ("of=backbones&a=MobileNetV1&b=MobileNetV2", 6, "faster"),
        ("of=devices&a=desk&b=pixel-8", 28, "slower"),
        (
            "of=settings&backbone=MobileNetV1&a_runtime=onnxruntime&b_runtime=paddlelite",
            3,
            "slower",
        ),
        ("a=runtime:paddlelite&b=runtime:onnxruntime&device=desk", 14, "faster"),
    ],
)
def test_two_of_anything_are_compared(
    lab: Lab, visit: Visitor, query: str, pairs: int, change: str
) -> None:
    page = visit(f"{lab.url}compare?{query}").page
    expect(page.locator("#pairs tbody tr")).to_have_count(pairs)
    expect(page.locator(f"#pairs td .change.{change}:visible")).to_have_count(pairs)
    drawn(page)


def test_settings_of_one_backbone_pair_by_what_they_have_in_common(lab: Lab) -> None:
    asked = "compare?of=settings&backbone=MobileNetV2&device=pi5&a_threads=1&b_threads=2"
    shown = httpx.get(lab.url + asked, trust_env=False, timeout=60).text
    assert shown.count('<th scope="row">pi5<small>') == 2
    for wrong, status in (
        ("of=nothing", 404),
        ("of=devices&a=desk&b=desk", 400),
        ("of=settings&backbone=MobileNetV2&a_threads=1&b_threads=1", 400),
        ("of=settings&backbone=MobileNetV2&a_threads=1&b_runtime=paddlelite", 400),
        ("of=backbones&a=MobileNetV1&b=MobileNetV9", 404),
    ):
        refused = httpx.get(f"{lab.url}compare?{wrong}", trust_env=False, timeout=60)
        assert (wrong, refused.status_code) == (wrong, status)


def test_a_part_that_is_kept_up_leaves_who_stands_on_it_there(busy: Lab, visit: Visitor) -> None:
    visited = visit(f"{busy.url}sweeps/{busy.sweep_id}")
    page = visited.page
    page.locator("#to-pause").focus()
    device = visit(f"{busy.url}devices/desk").page
    for change in ("Rest now", "Let it take jobs"):
        with page.expect_response(lambda told: busy.sweep_id in told.url):
            device.get_by_role("button", name=change).click()
    # The first answer is put in, as what was before it is not known; later ones are the same.
    expect(page.locator("#to-pause")).to_be_focused()
    assert visited.complaints == []


def test_a_page_hears_of_what_changes_elsewhere(busy: Lab, visit: Visitor) -> None:
    visited, device = visit(f"{busy.url}devices"), visit(f"{busy.url}devices/pi5").page
    marks = visited.page.locator(".card", has_text="pi5").locator("p.mark")
    expect(marks).to_have_count(0)
    device.get_by_role("button", name="Rest now").click()
    expect(marks).to_have_count(1)
    device.get_by_role("button", name="Let it take jobs").click()
    expect(marks).to_have_count(0)
    assert [url for url in visited.requests if url.endswith("/changes")] == [f"{busy.url}changes"]
    assert visited.complaints == []


def test_who_is_away_is_told_so_and_hears_again(busy: Lab, visit: Visitor) -> None:
    page, device = visit(f"{busy.url}devices").page, visit(f"{busy.url}devices/pixel-8").page
    page.route("**/devices", lambda route: route.abort())
    device.get_by_role("button", name="Rest now").click()
    expect(page.locator("#lost")).to_be_visible()
    page.unroute("**/devices")
    expect(page.locator("#lost")).to_be_hidden(timeout=30_000)
    marks = page.locator(".card", has_text="pixel-8").locator("p.mark")
    expect(marks).to_have_count(1)
    device.get_by_role("button", name="Let it take jobs").click()
    expect(marks).to_have_count(0)


def test_a_sweep_is_paused_resumed_and_cancelled(busy: Lab, visit: Visitor) -> None:
    visited = visit(f"{busy.url}sweeps/{busy.sweep_id}")
    page = visited.page
    expect(page.locator("#phase")).to_have_text("measuring")
    page.get_by_role("button", name="Pause").click()
    page.get_by_role("button", name="Resume").click()
    expect(page.get_by_role("button", name="Pause")).to_be_visible()
    page.get_by_role("button", name="Cancel").click()
    expect(page.locator("#phase")).to_have_text("cancelled")
    expect(page.get_by_role("button", name="Retry")).to_be_visible()
    assert visited.complaints == []


def test_a_sweep_is_planned_before_it_starts(busy: Lab, visit: Visitor) -> None:
    page = visit(f"{busy.url}sweeps/new").page
    page.get_by_label("Backbones").fill("ResNet18_vd")
    page.get_by_label("pi5").check()
    page.get_by_label("onnxruntime").check()
    page.get_by_label("Threads").fill("1,2")
    page.get_by_role("button", name="Plan it").click()
    expect(page.locator("#plan")).to_contain_text("2 jobs")
    page.get_by_role("button", name="Start it").click()
    page.wait_for_url(re.compile(r"/sweeps/[0-9a-f]{12}$"))
    page.get_by_role("button", name="Cancel").click()
    expect(page.locator("#phase")).to_have_text("cancelled")


def test_only_its_own_pages_change_something(busy: Lab) -> None:
    for headers in ({}, {"Origin": "http://evil.example"}, {"Sec-Fetch-Site": "cross-site"}):
        for path in (f"sweeps/{busy.sweep_id}/cancel", "sweeps", "devices/pi5/rest"):
            refused = httpx.post(
                busy.url + path,
                data={"csrf": "0" * 64},
                headers=headers,
                trust_env=False,
                timeout=60,
            )
            assert refused.status_code == 403
    devices = httpx.get(f"{busy.url}api/v1/devices", trust_env=False, timeout=60)
    assert devices.status_code == 200
    assert "resting" not in devices.text


def test_devices_are_told_to_rest_and_to_wake(busy: Lab, visit: Visitor) -> None:
    page = visit(f"{busy.url}devices/desk").page
    page.get_by_role("button", name="Rest now").click()
    page.get_by_role("button", name="Let it take jobs").click()
    expect(page.get_by_role("button", name="Rest now")).to_be_visible()
