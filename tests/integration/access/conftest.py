"""A controller with TLS on every address of this machine, and those who come to it."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import grpc
import pytest

from agent.link.identity import Identity, load_identity, new_request
from protos.joining import SERVER_NAME, JoinToken, parse_join_token, secret_digest
from protos.joining.presented import presented_authority
from protos.v1 import fleet_pb2, fleet_pb2_grpc
from tests.processes import Running, edgerank, own_address, running


@dataclass(frozen=True)
class Guarded:
    """A controller that asks who calls.

    Attributes:
        running: its process.
        local: where its owner asks it, without a token.
        address: where strangers reach it.
        fleet_address: where members do.
        folder: of the test.
    """

    running: Running
    local: str
    address: str
    fleet_address: str
    folder: Path

    def command(self, *arguments: str) -> str:
        """What a command of the owner prints."""
        done = edgerank(*arguments, address=self.local)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def token(self, *options: str) -> JoinToken:
        """A join token, as the owner makes it."""
        made = self.command("token", "create", "--address", self.address, *options)
        return parse_join_token(made)

    def authority(self, token: JoinToken) -> bytes:
        """The certificate of who signs."""
        return presented_authority(self.address, token.authority_sha256, 10)

    @contextmanager
    def channel(self, authority: bytes) -> Iterator[grpc.Channel]:
        """A connection to the port of people, from an address that nobody trusts."""
        credentials = grpc.ssl_channel_credentials(authority)
        with grpc.secure_channel(self.address, credentials, _NAMED) as channel:
            yield channel

    @contextmanager
    def member_channel(self, member: Identity) -> Iterator[grpc.Channel]:
        """A connection of a member."""
        credentials = grpc.ssl_channel_credentials(
            member.authority_pem.encode(), member.key_pem.encode(), member.certificate_pem.encode()
        )
        with grpc.secure_channel(self.fleet_address, credentials, _NAMED) as channel:
            yield channel

    def join(self, token: JoinToken) -> Identity:
        """A member that joined by a token."""
        request = new_request()
        authority = self.authority(token)
        with self.channel(authority) as channel:
            joined = fleet_pb2_grpc.JoiningStub(channel).Join(
                fleet_pb2.JoinRequest(
                    secret=token.secret, certificate_request_der=request.request_der
                ),
                timeout=10,
            )
        return Identity(
            device_id=joined.membership.device_id,
            key_pem=request.key_pem,
            certificate_pem=joined.membership.certificate_pem,
            authority_pem=joined.membership.authority_pem,
            addresses=token.addresses,
            fleet_port=joined.membership.fleet_port,
            renew_after_ms=joined.membership.renew_after_ms,
            token_sha256=secret_digest(token.secret),
        )

    @contextmanager
    def agent(self, name: str, token: JoinToken | None) -> Iterator[Running]:
        """An agent that is connected, with a folder of its own by its name.

        Without a token it comes back, and says nothing of itself.
        """
        arguments = ["agent", "--state", str(self.folder / name)]
        if token is not None:
            path = self.folder / f"{name}.token"
            path.write_text(token.spelt())
            arguments += ["--join", f"@{path}", "--name", name, "--label", f"called={name}"]
        with running(*arguments) as agent:
            agent.output.wait_for(f"connected to .* as {name}")
            yield agent

    def identity(self, name: str) -> Identity:
        """Who an agent of `agent` is."""
        found = load_identity(self.folder / name)
        assert found is not None
        return found

    def access(self, name: str, *options: str) -> str:
        """A token for people, as the owner makes it."""
        return self.command("access", "create", name, *options).strip()


_NAMED = (("grpc.ssl_target_name_override", SERVER_NAME),)


@contextmanager
def guarded_controller(folder: Path, *options: str, state: str = "controller") -> Iterator[Guarded]:
    """A controller on every address of this machine."""
    places = ("--host", "0.0.0.0", "--port", "0", "--state", str(folder / state))
    with running("controller", *places, *options) as process:
        port = process.output.wait_for(r"listening on 0\.0\.0\.0:(\d+)")[1]
        fleet_port = process.output.wait_for(r"connect to port (\d+)")[1]
        host = own_address()
        yield Guarded(
            process, f"127.0.0.1:{port}", f"{host}:{port}", f"{host}:{fleet_port}", folder
        )


@pytest.fixture(scope="package", autouse=True)
def own_config(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Logins of tests are none of whoever runs them."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CONFIG_HOME", os.fspath(tmp_path_factory.mktemp("config")))
        yield


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    with guarded_controller(tmp_path_factory.mktemp("guarded")) as started:
        yield started


def status_of(call: object) -> grpc.StatusCode:
    """What an error of gRPC says."""
    assert isinstance(call, grpc.Call)
    code = call.code()
    assert code is not None
    return code
