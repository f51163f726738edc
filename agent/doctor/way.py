"""The way to the controller: whether it is there, and takes this device's certificate."""

from datetime import datetime, timedelta

import grpc
from cryptography import x509

from agent.link.channels import plain_channel, secure_channel
from agent.link.identity import Identity
from agent.link.wire import JoiningClient
from protos.checks import CheckedSide, Finding, broken, doubtful, fine

ANSWER_S = 5.0
_SOON = timedelta(days=3)
_NOT_TAKEN = frozenset({grpc.StatusCode.PERMISSION_DENIED, grpc.StatusCode.INVALID_ARGUMENT})
_ADVICE = "make a token for it with 'edgerank token create --device NAME' and start it with that"


def certificate_found(identity: Identity, now: datetime) -> Finding:
    """Whether the certificate goes on, by this device's clock, which nobody else believes."""
    certificate = x509.load_pem_x509_certificate(identity.certificate_pem.encode())
    ends = certificate.not_valid_after_utc
    found = f"the certificate ends on {ends:%Y-%m-%d}"
    if ends <= now:
        return doubtful(CheckedSide.AGENT, "certificate", f"{found}, by this clock", _ADVICE)
    if ends - now < _SOON:
        return doubtful(CheckedSide.AGENT, "certificate", found, "start the agent; it renews it")
    return fine(CheckedSide.AGENT, "certificate", found)


async def way_found(
    identity: Identity | None, controller: str | None, answer_s: float = ANSWER_S
) -> Finding:
    """Whether a controller answers, and takes this device.

    Args:
        identity: the device's papers, if it is a member.
        controller: HOST:PORT, instead of where it joined.
        answer_s: how long an answer may take, seconds.
    """
    addresses = (controller,) if controller else identity.addresses if identity else ()
    if not addresses:
        advice = "name it with --controller HOST:PORT, or join one with a token"
        return doubtful(CheckedSide.AGENT, "controller", "no controller is known here", advice)
    heard = [await _heard(address, identity, answer_s) for address in addresses]
    for address, status in zip(addresses, heard, strict=True):
        if status in _NOT_TAKEN:
            if identity is None:
                # What was shown is no certificate, which only a controller says.
                return fine(CheckedSide.AGENT, "controller", f"a controller answers at {address}")
            found = f"the controller at {address} takes this device's certificate no more"
            return broken(CheckedSide.AGENT, "controller", found, _ADVICE)
        if status is grpc.StatusCode.OK:
            found = f"the controller at {address} answers, and takes this device"
            return fine(CheckedSide.AGENT, "controller", found)
    told = ", ".join(
        f"{address} ({status.name.lower().replace('_', ' ')})"
        for address, status in zip(addresses, heard, strict=True)
    )
    advice = "start it, or correct the address; a firewall may be between"
    return broken(CheckedSide.AGENT, "controller", f"no controller answers at {told}", advice)


async def _heard(address: str, identity: Identity | None, answer_s: float) -> grpc.StatusCode:
    async with _channel(address, identity) as channel:
        try:
            shown = identity.certificate_pem if identity else ""
            await JoiningClient(channel).check(shown, answer_s)
        except grpc.aio.AioRpcError as error:
            return error.code()
    return grpc.StatusCode.OK


def _channel(address: str, identity: Identity | None) -> grpc.aio.Channel:
    if identity is None:
        return plain_channel(address)
    return secure_channel(address, identity.authority_pem, None)
