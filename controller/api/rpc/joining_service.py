"""The Joining service: how devices become members and stay ones. Translates, and calls."""

import asyncio
from typing import Any

import grpc

from controller.access.attempts import FailedAttempts
from controller.access.connections import place_of
from controller.access.members import Members
from controller.api.limits import Limits
from controller.api.rpc.failures import answered_failures
from controller.api.rpc.guard import current_caller, let_speak
from controller.domain.access import Caller, CallerKind
from controller.domain.errors import EdgerankError, ErrorCode
from controller.fleet.clock import Clock
from controller.state.committing import Commits
from protos.codec import to_message
from protos.fleet import Membership
from protos.v1 import fleet_pb2, fleet_pb2_grpc

Context = grpc.aio.ServicerContext[Any, Any]


class JoiningService(fleet_pb2_grpc.JoiningServicer):
    """What agents call before they are members, and when their certificate is due."""

    def __init__(self, members: Members, commits: Commits, limits: Limits, clock: Clock) -> None:
        self._members = members
        self._commits = commits
        self._clock = clock
        self._failed = FailedAttempts(
            an_address=limits.failed_joins_an_address, in_all=limits.failed_joins
        )

    async def Join(  # noqa: N802 - the contract's name
        self, request: fleet_pb2.JoinRequest, context: Context
    ) -> fleet_pb2.JoinResponse:
        """Makes a device a member."""
        async with answered_failures(context):
            membership, token_id = await self._joined(request, place_of(context.peer()))
            let_speak(Caller(caller=CallerKind.JOIN_TOKEN, caller_name=token_id))
        return fleet_pb2.JoinResponse(membership=to_message(membership, fleet_pb2.Membership))

    async def Renew(  # noqa: N802
        self, request: fleet_pb2.RenewRequest, context: Context
    ) -> fleet_pb2.RenewResponse:
        """Gives a member its next certificate."""
        async with answered_failures(context):
            device_id = current_caller().device_id
            if device_id is None:
                raise EdgerankError(
                    ErrorCode.NOT_ALLOWED, "only who has a certificate gets the next one"
                )
            membership = await asyncio.to_thread(
                self._members.renew, device_id, request.certificate_request_der
            )
        return fleet_pb2.RenewResponse(membership=to_message(membership, fleet_pb2.Membership))

    async def CheckCertificate(  # noqa: N802
        self, request: fleet_pb2.CheckCertificateRequest, context: Context
    ) -> fleet_pb2.CheckCertificateResponse:
        """Says whether a certificate is good for anything."""
        async with answered_failures(context):
            await asyncio.to_thread(self._members.device_of, request.certificate_pem.encode())
        return fleet_pb2.CheckCertificateResponse()

    async def _joined(self, request: fleet_pb2.JoinRequest, address: str) -> tuple[Membership, str]:
        self._failed.check(address, self._clock.monotonic_ms())
        try:
            return await self._commits.write(
                lambda database: self._members.within(database).join(
                    request.secret, request.certificate_request_der
                )
            )
        except EdgerankError as error:
            if error.code is ErrorCode.UNKNOWN_CALLER:
                self._failed.failed(address, self._clock.monotonic_ms())
            raise
