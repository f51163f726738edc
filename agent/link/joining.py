"""Makes the device a member of a fleet, by a token that a person brought."""

import asyncio
from pathlib import Path

import grpc

from agent.errors import INPUT_EXIT_CODE, AgentError
from agent.link.channels import secure_channel
from agent.link.identity import Identity, keep_identity, new_request
from agent.link.wire import JoiningClient
from protos.joining import JoinToken, secret_digest
from protos.joining.presented import NobodyThere, NotPresented, presented_authority
from protos.log_lines import event_log

log = event_log(__name__)

# Neither says anything of the token, which is good for another try: who joined and did not hear so
# joins again, if the token has another use.
_MAY_GO_WELL_LATER = frozenset(
    {
        grpc.StatusCode.UNAVAILABLE,
        grpc.StatusCode.DEADLINE_EXCEEDED,
        grpc.StatusCode.RESOURCE_EXHAUSTED,
    }
)
_CONNECT_S = 5.0
_ANSWER_S = 30.0


class JoinRefused(AgentError):
    """The controller does not take the token, or is not the one that it is of."""

    exit_code = INPUT_EXIT_CODE


class NobodyToJoin(AgentError):
    """No address of the token answers."""


class _Unanswered(Exception):
    """The connection broke, or the controller cannot now; another address may do."""


async def become_member(token: JoinToken, known: Identity | None, folder: Path) -> Identity:
    """The papers of a member, kept in its folder; those that it has already by the same token.

    Raises:
        JoinRefused: the token is good for nothing, or what answers is another controller.
        NobodyToJoin: nobody answers at any address of the token.
        StateUnusable: the papers cannot be kept.
    """
    # So that whatever starts the agent again and again may name its first token.
    if known is not None and known.token_sha256 == secret_digest(token.secret):
        return known
    failures = []
    for address in token.addresses:
        try:
            authority = await asyncio.to_thread(
                presented_authority, address, token.authority_sha256, _CONNECT_S
            )
        except (NobodyThere, NotPresented) as error:
            failures.append(f"{address}: {error}")
            continue
        try:
            identity = await _join(address, authority.decode("ascii"), token)
        except _Unanswered as error:
            failures.append(f"{address}: {error}")
            continue
        await asyncio.to_thread(keep_identity, folder, identity)
        log.info("joined", controller=address, device_id=identity.device_id)
        return identity
    raise NobodyToJoin(
        f"no controller of this token answers ({'; '.join(failures)}): start it, or make a token "
        "with an address that this device reaches, by 'edgerank token create --address HOST:PORT'"
    )


async def _join(address: str, authority_pem: str, token: JoinToken) -> Identity:
    request = await asyncio.to_thread(new_request)
    async with secure_channel(address, authority_pem, None) as channel:
        try:
            membership = await JoiningClient(channel).join(
                token.secret, request.request_der, _ANSWER_S
            )
        except grpc.aio.AioRpcError as error:
            if error.code() in _MAY_GO_WELL_LATER:
                raise _Unanswered(str(error.details())) from error
            raise JoinRefused(
                f"the controller at {address} does not let this device join: {error.details()}"
            ) from error
    others = tuple(each for each in token.addresses if each != address)
    return Identity(
        device_id=membership.device_id,
        key_pem=request.key_pem,
        certificate_pem=membership.certificate_pem,
        authority_pem=membership.authority_pem,
        addresses=(address, *others),
        fleet_port=membership.fleet_port,
        renew_after_ms=membership.renew_after_ms,
        token_sha256=secret_digest(token.secret),
    )
