"""What a request may cost before anybody looks at it."""

import asyncio

import pytest
from starlette.types import Message, Receive, Scope, Send

from controller.api.web.hardening import Hardening
from controller.api.web.pages.new_sweep import read_sweep
from controller.domain.errors import EdgerankError
from models.catalog.catalog import load_catalog

_SCOPE = {
    "type": "http",
    "method": "POST",
    "headers": [(b"host", b"127.0.0.1:7702"), (b"content-length", b"9")],
}


async def test_a_body_that_does_not_come_is_not_waited_for() -> None:
    async def reads(_scope: Scope, receive: Receive, _send: Send) -> None:
        while (await receive()).get("more_body"):
            pass

    coming = [{"type": "http.request", "body": b"x", "more_body": True}]

    async def receive() -> Message:
        if coming:
            return coming.pop()
        return await asyncio.Future()

    async def send(_message: Message) -> None:
        """Told to nobody."""

    hardened = Hardening(reads, frozenset(), body_bytes=100, body_s=0.05)
    with pytest.raises(EdgerankError, match="did not come within"):
        await hardened(_SCOPE, receive, send)


def test_a_form_names_no_more_backbones_than_can_be_looked_at() -> None:
    words = ",".join(f"*{number}" for number in range(501))
    with pytest.raises(EdgerankError, match="at most 500"):
        read_sweep({"models": words}, load_catalog())
    # One word many times is one.
    assert read_sweep({"models": ",".join(["MobileNetV2"] * 5_000)}, load_catalog()).backbones
