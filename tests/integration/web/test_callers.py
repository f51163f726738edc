"""Who asks over HTTP, where a controller asks who they are."""

import ssl
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import pytest

from protos.joining import SERVER_NAME
from tests.integration.access.conftest import Guarded, guarded_controller
from tests.integration.web.conftest import web_of
from tests.processes import own_address


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CONFIG_HOME", str(tmp_path_factory.mktemp("config")))
        with guarded_controller(tmp_path_factory.mktemp("guarded")) as started:
            yield started


@contextmanager
def _asking(guarded: Guarded, secret: str | None = None) -> Iterator[httpx.Client]:
    """Somebody from an address that nobody trusts, who trusts the controller's authority only."""
    token = guarded.token()
    trusted = ssl.create_default_context(cadata=guarded.authority(token).decode())
    port = httpx.URL(web_of(guarded.running)).port
    headers = {"Authorization": f"Bearer {secret}"} if secret is not None else {}
    with httpx.Client(
        base_url=f"https://{own_address()}:{port}",
        verify=trusted,
        headers=headers,
        trust_env=False,
        timeout=60,
    ) as client:
        yield client


def _get(client: httpx.Client, path: str = "/api/v1/devices") -> httpx.Response:
    return client.get(path, extensions={"sni_hostname": SERVER_NAME})


def test_strangers_are_told_to_show_a_token(guarded: Guarded) -> None:
    with _asking(guarded) as stranger:
        refused = _get(stranger)
    assert refused.status_code == 401
    assert refused.headers["www-authenticate"].startswith("Bearer")
    assert refused.json()["code"] == "unknown_caller"


def test_a_token_reads_until_it_is_revoked(guarded: Guarded) -> None:
    secret = guarded.access("reader", "--scope", "read")
    with _asking(guarded, secret) as reader:
        answered = _get(reader)
        assert answered.status_code == 200, answered.text
        guarded.command("access", "revoke", "reader")
        assert _get(reader).status_code == 401


def test_a_rotated_authority_signs_the_next_connection(guarded: Guarded) -> None:
    secret = guarded.access("rotated", "--scope", "read")
    guarded.command("access", "rotate-ca")
    with _asking(guarded, secret) as reader:
        assert _get(reader).status_code == 200
