"""Writes the pictures of docs/asking/pictures: `python -m tests.integration.web.pages.pictures`."""

import io
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from PIL import Image
from playwright.sync_api import Browser, Page

from controller.api.web.pages.devices import qr_code
from protos.joining import DIGEST_BYTES, SECRET_BYTES, JoinToken
from tests.integration.access.conftest import guarded_controller
from tests.integration.report.conftest import launched
from tests.integration.web.conftest import web_of
from tests.integration.web.pages.conftest import drawn, url_of
from tests.integration.web.pages.lab import fill
from tests.processes import running_controller

FOLDER: Final = Path("docs/asking/pictures")
PAGES: Final = {
    "best": "?device=desk&max_latency_ms=20",
    "devices": "devices",
    "device": "devices/pi5",
    "sweeps": "sweeps",
    "sweep": "sweeps/first-look",
    "new-sweep": "sweeps/new?models=MobileNetV3*&devices=pi5",
    "fleet": "fleet",
    "compare": "compare?of=backbones&a=MobileNetV1&b=MobileNetV2",
    "no-answer": "?device=desk&max_latency_ms=1&min_top1=75&max_params_m=3",
    "drift": "devices/pi5#drift-heading",
    "sign-in": "sign-in",
}
_WIDTHS: Final = {"phone": 390, "desk": 1_280}
_HEIGHT: Final = 900
_ADDRESSES: Final = ("192.0.2.7:7700",)
# Of flat colours, so that a page takes a fourth; of fewer, those of small points would be others.
_COLOURS: Final = 256


def write_pictures() -> None:
    """Draw each page in light and dark, on a phone and on a desk."""
    with TemporaryDirectory() as folder, launched() as browser:
        state = Path(folder, "state")
        fill(state)
        with running_controller(state, 0, "--web-port", "0") as (controller, _address):
            for page, scheme, size in _visits(browser):
                for name, path in PAGES.items():
                    page.goto(web_of(controller) + path)
                    _write(page, FOLDER / name / f"{scheme}-{size}.png")
                page.goto(f"{web_of(controller)}?device=desk")
                page.locator("#ranking tbody a").first.click()
                page.wait_for_selector("#provenance")
                _write(page, FOLDER / "measurement" / f"{scheme}-{size}.png")
        with guarded_controller(Path(folder)) as guarded:
            token = guarded.access("boss", "--scope", "admin")
            for page, scheme, size in _visits(browser):
                page.goto(f"{url_of(guarded)}sign-in?to=/devices")
                page.get_by_label("Token").fill(token)
                page.get_by_role("button", name="Sign in").click()
                page.get_by_role("button", name="Make a join command").click()
                _name_nobody(page)
                _write(page, FOLDER / "add-device" / f"{scheme}-{size}.png")


def _name_nobody(page: Page) -> None:
    """Put a token into the page that names no machine: the real one names that which drew it."""
    token = JoinToken(
        secret=b"s" * SECRET_BYTES, authority_sha256=b"a" * DIGEST_BYTES, addresses=_ADDRESSES
    )
    command = f"edgerank agent --join {token.spelt()}"
    page.locator("#join-command").evaluate("(place, text) => place.textContent = text", command)
    page.locator(".qr").evaluate("(place, code) => place.innerHTML = code", qr_code(command))


def _visits(browser: Browser) -> Iterator[tuple[Page, str, str]]:
    for scheme in ("light", "dark"):
        for size, width in _WIDTHS.items():
            context = browser.new_context(
                color_scheme=scheme,
                reduced_motion="reduce",
                viewport={"width": width, "height": _HEIGHT},
                # A controller's own authority is none that a browser knows.
                ignore_https_errors=True,
            )
            context.set_default_timeout(120_000)
            yield context.new_page(), scheme, size
            context.close()


def _write(page: Page, path: Path) -> None:
    drawn(page)
    path.parent.mkdir(parents=True, exist_ok=True)
    picture = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
    picture.quantize(_COLOURS).save(path, optimize=True)


if __name__ == "__main__":
    write_pictures()
