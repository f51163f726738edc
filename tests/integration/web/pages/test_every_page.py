"""What holds for every page: nothing from elsewhere, no complaint, for everybody, on any screen."""

import re
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import expect

from controller.state.devices import enrol
from protos.device import DeviceProfile
from protos.fleet import Hello
from tests.benchmarks.asking.filling import fill as fill_in_bulk
from tests.integration.web.conftest import web_of
from tests.integration.web.pages.conftest import Lab, Visitor, barriers, drawn
from tests.integration.web.pages.lab import INERT
from tests.processes import running_controller
from tests.processes.states import begun_database

PATHS = (
    "?device=desk&max_latency_ms=20",
    "?device=pi5",
    "devices",
    "devices/pi5",
    "sweeps",
    "sweeps/first-look",
    "sweeps/new?models=MobileNetV3*&devices=pi5",
    "fleet",
    "?device=desk&max_latency_ms=1&min_top1=75&max_params_m=3",
    "?device=desk&confidence=95&series=PP-LCNet",
    "compare?of=backbones&a=MobileNetV1&b=MobileNetV2",
    "compare?of=settings&backbone=MobileNetV2&device=pi5&a_threads=1&b_threads=2",
    "compare?of=settings&backbone=MobileNetV2&a_threads=1&b_runtime=paddlelite",
    "fleet?max_latency_ms=0.01",
    "sign-in",
)
LOOKS = (("light", 1_200), ("dark", 390))


@pytest.mark.parametrize("path", PATHS)
def test_it_is_for_everybody_and_asks_nobody_else(lab: Lab, visit: Visitor, path: str) -> None:
    for scheme, width in LOOKS:
        size = {"width": width, "height": 850}
        visited = visit(lab.url + path, color_scheme=scheme, viewport=size)
        drawn(visited.page)
        assert visited.page.evaluate("document.documentElement.scrollWidth") <= width
        assert barriers(visited.page) == []
        # What is enlarged four times on a desk is as narrow as this (WCAG 2.2, 1.4.10).
        visited.page.set_viewport_size({"width": 320, "height": 850})
        assert visited.page.evaluate("document.documentElement.scrollWidth") <= 320
        # Of a page that says what cannot be asked the browser itself complains.
        assert [each for each in visited.complaints if "status of 400" not in each] == []
        assert [url for url in visited.requests if not url.startswith(lab.url)] == []


def test_a_measurement_is_one_of_them(lab: Lab, visit: Visitor) -> None:
    for scheme, width in LOOKS:
        size = {"width": width, "height": 850}
        visited = visit(f"{lab.url}?device=desk", color_scheme=scheme, viewport=size)
        visited.page.locator("#ranking tbody a").first.click()
        expect(visited.page.locator("#verdict")).to_have_text("ok")
        drawn(visited.page)
        # Samples, temperature and clock over time, and the distribution.
        expect(visited.page.locator(".chart svg")).to_have_count(4)
        expect(visited.page.locator("#provenance")).to_contain_text("onnxruntime 1.23.2")
        assert visited.page.evaluate("document.documentElement.scrollWidth") <= width
        assert barriers(visited.page) == []
        assert visited.complaints == []


def test_browsers_are_told_to_run_nothing_that_stands_in_a_page(lab: Lab) -> None:
    for path in (*PATHS, "nothing/here", "devices/nobody"):
        policy = httpx.get(lab.url + path, trust_env=False, timeout=60).headers[
            "content-security-policy"
        ]
        assert "unsafe" not in policy
        assert "default-src 'none'" in policy
    page = httpx.get(lab.url, trust_env=False, timeout=60)
    assert "script-src 'self'" in page.headers["content-security-policy"]
    assert page.headers["cache-control"] == "no-store"


def test_browsers_keep_files_for_as_long_as_they_are_the_same(lab: Lab) -> None:
    home = httpx.get(lab.url, trust_env=False, timeout=60).text
    for name in ("site.css", "site.js", "vega.js"):
        (path,) = set(re.findall(rf"/static/{re.escape(name)}\?v=[\w.]+", home))
        sent = httpx.get(lab.url + path[1:], trust_env=False, timeout=60)
        assert "immutable" in sent.headers["cache-control"]
        assert sent.headers["content-encoding"] == "gzip"
        bare = httpx.get(f"{lab.url}static/{name}", trust_env=False, timeout=60)
        assert bare.headers["cache-control"] == "no-cache"
        assert bare.content == sent.content
        known = {"If-None-Match": sent.headers["etag"]}
        assert httpx.get(bare.url, headers=known, trust_env=False, timeout=60).status_code == 304


def test_charts_code_is_read_where_there_is_a_chart(lab: Lab, visit: Visitor) -> None:
    for path, is_read in (("sweeps", False), ("devices", False), ("?device=desk", True)):
        visited = visit(lab.url + path)
        drawn(visited.page)
        assert any("vega.js" in url for url in visited.requests) is is_read


@pytest.mark.parametrize("candidates", [0, 1, 1_000])
def test_however_much_there_is_a_phone_shows_the_answer_first(
    tmp_path: Path, visit: Visitor, candidates: int
) -> None:
    _measured(tmp_path / "state", candidates)
    with running_controller(tmp_path / "state", 0, "--web-port", "0") as (controller, _address):
        for path in ("fleet", "devices/device-000", ""):
            visited = visit(web_of(controller) + path, viewport={"width": 390, "height": 850})
            drawn(visited.page)
            assert visited.page.evaluate("document.documentElement.scrollWidth") <= 390
            assert barriers(visited.page) == []
            assert visited.complaints == []
            assert visited.page.locator("tbody tr").count() < 200
        box = visited.page.locator("#answer h2").bounding_box()
        assert box is not None
        assert box["y"] + box["height"] < 850


def _measured(state: Path, candidates: int) -> None:
    """A device that so many candidates were measured on."""
    if candidates:
        fill_in_bulk(state, candidates, devices=1)
        return
    state.mkdir()
    database = begun_database(state)
    profile = DeviceProfile(architecture="aarch64")
    name = "device-000"
    enrol(database, Hello(device_id=name, name=name, labels={}, profile=profile), now_unix_ms=0)
    database.close()


def test_limits_are_folded_where_they_would_stand_before_the_answer(
    lab: Lab, visit: Visitor
) -> None:
    url = f"{lab.url}?device=desk&max_latency_ms=20&threads=1"
    page = visit(url, viewport={"width": 390, "height": 850}).page
    limit = page.get_by_label("Latency at most", exact=True)
    expect(limit).to_be_hidden()
    expect(page.locator(".limits > summary .count")).to_have_text("2 set")
    page.locator(".limits > summary").press("Enter")
    expect(limit).to_be_visible()
    desk = visit(url, viewport={"width": 1_200, "height": 850}).page
    expect(desk.get_by_label("Latency at most", exact=True)).to_be_visible()
    expect(desk.locator(".limits > summary")).to_be_hidden()


def test_names_from_outside_are_text(lab: Lab, visit: Visitor) -> None:
    visited = visit(f"{lab.url}devices/pi5")
    expect(visited.page.locator("main")).to_contain_text(INERT)
    visited.page.goto(f"{lab.url}devices/%3Cimg%20src=x%20onerror=alert(1)%3E")
    expect(visited.page.get_by_role("alert")).to_contain_text("alert(1)")
    visited.page.goto(f"{lab.url}?device=%3Cimg%20src%3Dx%20onerror%3Dalert(1)%3E")
    expect(visited.page.locator("main img")).to_have_count(0)
    # Of the two pages that are not there the browser itself complains.
    assert all("status of 40" in complaint for complaint in visited.complaints)


def test_a_failure_is_a_page_that_says_so(lab: Lab, visit: Visitor) -> None:
    page = visit(f"{lab.url}devices/pi6").page
    expect(page.get_by_role("alert")).to_contain_text("pi5")
    assert barriers(page) == []


def test_a_link_that_leads_nowhere_is_a_page_for_people_and_a_problem_for_programs(
    lab: Lab, visit: Visitor
) -> None:
    page = visit(f"{lab.url}nothing/here").page
    expect(page.get_by_role("alert")).to_be_visible()
    expect(page.get_by_role("link", name="Best")).to_be_visible()
    for path in ("nothing/here", "api/v1/nothing"):
        told = httpx.get(lab.url + path, trust_env=False, timeout=60)
        assert (told.status_code, told.json()["code"]) == (404, "unknown_name")


def test_where_no_device_can_join_the_way_there_is_told(lab: Lab, visit: Visitor) -> None:
    page = visit(f"{lab.url}devices").page
    expect(page.get_by_role("button", name="Make a join command")).to_have_count(0)
    expect(page.locator("main")).to_contain_text("edgerank controller --host 0.0.0.0")


def test_where_whoever_comes_may_join_no_more_is_asked_for(tmp_path: Path) -> None:
    begun_database(tmp_path).close()
    with running_controller(tmp_path, 0, "--insecure") as (controller, _):
        told = httpx.get(f"{web_of(controller)}devices", trust_env=False, timeout=60).text
    assert "edgerank agent --controller HOST:7700" in told
    assert "TLS" not in told


def test_its_first_key_leads_to_the_content(lab: Lab, visit: Visitor) -> None:
    page = visit(lab.url).page
    page.keyboard.press("Tab")
    expect(page.locator(".skip")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_be_focused()
    page.keyboard.press("Tab")
    expect(page.get_by_label("Device")).to_be_focused()


def test_without_scripts_every_figure_is_there(lab: Lab, visit: Visitor) -> None:
    page = visit(lab.url, java_script_enabled=False).page
    page.get_by_label("Latency at most", exact=True).fill("5")
    page.get_by_role("button", name="Answer").click()
    expect(page.locator("#ranking tbody tr")).not_to_have_count(0)
    assert "max_latency_ms=5" in page.url
