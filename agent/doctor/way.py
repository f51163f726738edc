"""The way to the controller: whether it is there, and takes this device's certificate."""

import asyncio
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

import grpc
from cryptography import x509

from agent.link.channels import plain_channel, secure_channel
from agent.link.identity import Identity
from agent.link.wire import JoiningClient
from protos.checks import CheckedSide, Finding, broken, doubtful, fine
from protos.joining.presented import NobodyThere, NotPresented, presented_certificates

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
    if identity is None:
        return await _newcomers_way(addresses[0], answer_s)
    return await _members_way(addresses, identity, answer_s)


async def _members_way(addresses: Sequence[str], identity: Identity, answer_s: float) -> Finding:
    heard = [
        await _heard(
            secure_channel(address, identity.authority_pem, None),
            identity.certificate_pem,
            answer_s,
        )
        for address in addresses
    ]
    for address, status in zip(addresses, heard, strict=True):
        if status in _NOT_TAKEN:
            found = f"the controller at {address} takes this device's certificate no more"
            return broken(CheckedSide.AGENT, "controller", found, _ADVICE)
        if status is grpc.StatusCode.OK:
            found = f"the controller at {address} answers, and takes this device"
            return fine(CheckedSide.AGENT, "controller", found)
    return _nobody_at(zip(addresses, heard, strict=True))


async def _newcomers_way(address: str, answer_s: float) -> Finding:
    """Of a device without papers: what it shows is no certificate, which only a controller says."""
    status = await _heard(plain_channel(address), "", answer_s)
    if status in _NOT_TAKEN:
        return fine(CheckedSide.AGENT, "controller", f"a controller answers at {address}")
    try:
        shown = await asyncio.to_thread(presented_certificates, address, answer_s)
    except (NobodyThere, NotPresented):
        return _nobody_at([(address, status)])
    # Whoever it is: nothing is told to it.
    secured = await _heard(secure_channel(address, shown.decode("ascii"), None), "", answer_s)
    if secured not in _NOT_TAKEN:
        return _nobody_at([(address, secured)])
    return doubtful(
        CheckedSide.AGENT,
        "controller",
        f"a controller answers at {address}, with TLS, and this device has not joined it",
        "make a token there with 'edgerank token create', and start the agent with --join",
    )


def _nobody_at(heard: Iterable[tuple[str, grpc.StatusCode]]) -> Finding:
    told = ", ".join(
        f"{address} ({status.name.lower().replace('_', ' ')})" for address, status in heard
    )
    advice = "start it, or correct the address; a firewall may be between"
    return broken(CheckedSide.AGENT, "controller", f"no controller answers at {told}", advice)


async def _heard(channel: grpc.aio.Channel, shown: str, answer_s: float) -> grpc.StatusCode:
    async with channel:
        try:
            await JoiningClient(channel).check(shown, answer_s)
        except grpc.aio.AioRpcError as error:
            return error.code()
    return grpc.StatusCode.OK
