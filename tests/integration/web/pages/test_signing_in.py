"""Who signs in with a token, where a controller asks who they are."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from controller.api.web.pages.devices import qr_code
from protos.joining import parse_access_token, parse_join_token
from tests.integration.access.conftest import Guarded, guarded_controller
from tests.integration.web.pages.conftest import Visitor, barriers, url_of


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CONFIG_HOME", str(tmp_path_factory.mktemp("config")))
        with guarded_controller(tmp_path_factory.mktemp("guarded")) as started:
            yield started


def _sign_in(visit: Visitor, guarded: Guarded, token: str, path: str = "") -> Page:
    # The controller's own authority is none that a browser knows.
    page = visit(url_of(guarded) + path, ignore_https_errors=True).page
    page.get_by_label("Token").fill(token)
    page.get_by_role("button", name="Sign in").click()
    return page


def test_a_token_opens_the_page_that_was_asked_for(guarded: Guarded, visit: Visitor) -> None:
    token = guarded.access("reader", "--scope", "read")
    page = _sign_in(visit, guarded, token, "sweeps?before=")
    expect(page).to_have_url(f"{url_of(guarded)}sweeps?before=")
    expect(page.get_by_role("heading", name="Sweeps")).to_be_visible()
    # What the token may not do is not offered.
    expect(page.get_by_role("link", name="New sweep")).to_have_count(0)
    (cookie,) = page.context.cookies()
    assert (cookie["httpOnly"], cookie["secure"], cookie["sameSite"]) == (True, True, "Strict")
    assert token not in cookie["value"]
    # Of this controller alone: browsers keep cookies by host, whatever the port.
    assert cookie["name"].startswith("__Host-edgerank-session-")
    assert cookie["name"].rpartition("-")[2] in parse_access_token(token).authority_sha256.hex()
    assert barriers(page) == []
    page.get_by_role("button", name="Sign out").click()
    page.goto(f"{url_of(guarded)}devices")
    expect(page.get_by_label("Token")).to_be_visible()


def test_a_revoked_token_ends_its_sessions_at_once(guarded: Guarded, visit: Visitor) -> None:
    page = _sign_in(visit, guarded, guarded.access("leaver", "--scope", "read"), "devices")
    expect(page.get_by_role("heading", name="Devices")).to_be_visible()
    guarded.command("access", "revoke", "leaver")
    page.goto(f"{url_of(guarded)}sweeps")
    expect(page.get_by_label("Token")).to_be_visible()


def test_what_is_no_token_opens_nothing(guarded: Guarded, visit: Visitor) -> None:
    page = _sign_in(visit, guarded, "opensesame")
    expect(page.get_by_role("alert")).to_be_visible()
    expect(page.get_by_label("Token")).to_be_visible()
    assert page.context.cookies() == []


def test_whoever_administers_lets_a_device_join(guarded: Guarded, visit: Visitor) -> None:
    page = _sign_in(visit, guarded, guarded.access("boss", "--scope", "admin"), "devices")
    page.get_by_role("button", name="Make a join command").click()
    command = page.locator("#join-command").inner_text()
    assert parse_join_token(command.rpartition(" ")[2]).addresses
    expect(page.get_by_role("img", name="QR code")).to_be_visible()
    for url in (guarded.address, ",".join(f"192.0.2.{each}:7700" for each in range(9))):
        page.locator(".qr").evaluate("(place, code) => place.innerHTML = code", qr_code(url))
        place, ground = (
            page.locator(f".qr {part}").bounding_box() for part in ("svg", "path[fill='#fff']")
        )
        assert place is not None
        assert ground is not None
        # Neither cut off nor in a corner.
        assert [round(ground[side]) for side in ("x", "y", "width", "height")] == [
            round(place[side]) for side in ("x", "y", "width", "height")
        ]
    expect(page.get_by_role("button", name="Copy")).to_be_visible()
    assert barriers(page) == []
