"""Where HTTP is answered, and what is refused there before anything else."""

from pathlib import Path

import httpx
from fastapi.routing import APIRoute

from controller.api.web.app import routers
from controller.api.web.needs import ROUTES
from tests.integration.web.conftest import web_of
from tests.processes import running_controller


def _routes() -> set[str]:
    routes = [each for router in routers() for each in router.routes if isinstance(each, APIRoute)]
    return {f"{method} {each.path}" for each in routes for method in each.methods or ()}


def test_every_route_says_what_it_needs() -> None:
    assert set(ROUTES) == _routes()


def test_answers_under_its_addresses_only(asking: httpx.Client) -> None:
    port = asking.base_url.port
    for host, status in (
        (f"127.0.0.1:{port}", 200),
        (f"localhost:{port}", 200),
        (f"[::1]:{port}", 200),
        ("evil.example", 421),
        (f"127.0.0.1.evil.example:{port}", 421),
        ("", 421),
    ):
        answered = asking.get("/api/v1/devices", headers={"Host": host})
        assert answered.status_code == status, host


def test_pages_of_other_sites_get_nothing(asking: httpx.Client) -> None:
    for headers in (
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors"},
        {"Sec-Fetch-Site": "same-site", "Sec-Fetch-Mode": "cors"},
    ):
        refused = asking.get("/api/v1/devices", headers=headers)
        assert refused.status_code == 403
        assert refused.json()["code"] == "not_allowed"
    link = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}
    assert asking.get("/api/v1/devices", headers=link).status_code == 200
    assert asking.post("/api/v1/devices", headers=link).status_code == 403


def test_every_answer_says_how_browsers_treat_it(asking: httpx.Client) -> None:
    for path in ("/api/v1/devices", "/nothing"):
        headers = asking.get(path).headers
        assert "default-src 'none'" in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
        assert "server" not in headers


def test_failures_are_problem_documents(asking: httpx.Client) -> None:
    unknown = asking.get("/nothing")
    assert unknown.status_code == 404
    assert unknown.headers["content-type"] == "application/problem+json"
    assert unknown.json()["code"] == "unknown_name"
    invalid = asking.get("/api/v1/devices", params={"with_removed": "perhaps"})
    assert invalid.status_code == 400
    assert [fault["where"] for fault in invalid.json()["faults"]] == ["query.with_removed"]


def test_what_is_too_long_is_refused(asking: httpx.Client) -> None:
    refused = asking.post("/api/v1/devices", content=b"x" * ((1 << 20) + 1))
    assert refused.status_code == 413


def test_without_web_nothing_is_printed_and_answered(state: Path) -> None:
    with running_controller(state, 0, "--web-port", "none") as (controller, _address):
        assert controller.stop() == 0
        assert not any("web pages" in line for line in controller.output.lines)


def test_its_port_can_be_chosen(state: Path) -> None:
    with running_controller(state, 0, "--web-port", "0") as (controller, _address):
        taken = httpx.URL(web_of(controller)).port
        with running_controller(state.with_name("other"), 0, "--web-port", "0") as (other, _there):
            assert httpx.URL(web_of(other)).port != taken
        assert controller.stop() == 0
