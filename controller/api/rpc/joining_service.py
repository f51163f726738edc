"""The Joining service: how devices become members and stay ones. Translates, and calls."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc

from controller.access.attempts import FailedAttempts
from controller.access.connections import place_of
from controller.access.members import Members
from controller.api.limits import Limits
from controller.api.pacing import Rates
from controller.api.rpc.failures import answered_failures
from controller.api.rpc.guard import Guard, certificate_of, current_caller, let_speak
from controller.domain.access import Caller, CallerKind
from controller.domain.errors import EdgerankError, ErrorCode
from controller.fleet.agents import Fleet
from controller.fleet.clock import Clock
from protos.codec import to_message
from protos.fleet import Membership
from protos.v1 import fleet_pb2, fleet_pb2_grpc

Context = grpc.aio.ServicerContext[Any, Any]


class JoiningService(fleet_pb2_grpc.JoiningServicer):
    """What agents call before they are members, and when their certificate is due."""

    def __init__(
        self, members: Members, fleet: Fleet, guard: Guard, limits: Limits, clock: Clock
    ) -> None:
        self._members = members
        self._fleet = fleet
        self._guard = guard
        self._commits = fleet.commits
        self._clock = clock
        self._failed = FailedAttempts(
            an_address=limits.failed_joins_an_address, in_all=limits.failed_joins
        )
        self._renewals = Rates(per_s=limits.renewals_per_s, saved=limits.saved_renewals)
        # Strangers ask, too.
        self._checking = ThreadPoolExecutor(max_workers=1, thread_name_prefix="checking")

    async def Join(  # noqa: N802 - the contract's name
        self, request: fleet_pb2.JoinRequest, context: Context
    ) -> fleet_pb2.JoinResponse:
        """Makes a device a member."""
        async with answered_failures(context):
            membership, token_id = await self._joined(request, place_of(context.peer()))
            if membership.device_id in self._fleet.connected():
                # Its agent of before, or somebody with a copy of its files.
                self._guard.cut_off(CallerKind.MEMBER, membership.device_id)
            let_speak(Caller(caller=CallerKind.JOIN_TOKEN, caller_name=token_id))
        return fleet_pb2.JoinResponse(membership=to_message(membership, fleet_pb2.Membership))

    async def Renew(  # noqa: N802
        self, request: fleet_pb2.RenewRequest, context: Context
    ) -> fleet_pb2.RenewResponse:
        """Gives a member its next certificate."""
        async with answered_failures(context):
            device_id, certificate_pem = current_caller().device_id, certificate_of(context)
            if device_id is None or certificate_pem is None:
                raise EdgerankError(
                    ErrorCode.NOT_ALLOWED, "only who has a certificate gets the next one"
                )
            # Waited for, and not refused: as many wait as a device may have calls.
            await asyncio.sleep(self._renewals.wait_s(device_id, self._clock.monotonic_ms()))
            membership = await self._commits.write(
                lambda database: self._members.within(database).renew(
                    certificate_pem, request.certificate_request_der
                )
            )
        return fleet_pb2.RenewResponse(membership=to_message(membership, fleet_pb2.Membership))

    async def CheckCertificate(  # noqa: N802
        self, request: fleet_pb2.CheckCertificateRequest, context: Context
    ) -> fleet_pb2.CheckCertificateResponse:
        """Says whether a certificate is good for anything."""
        async with answered_failures(context):
            certificate_pem = request.certificate_pem.encode()
            looking_at = asyncio.get_running_loop().run_in_executor
            await looking_at(self._checking, self._members.device_of, certificate_pem)
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
