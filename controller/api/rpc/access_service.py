"""The Access service: who may do what. Translates, and calls."""

import asyncio
import secrets
from collections.abc import AsyncIterator
from typing import Any

import grpc

from controller.access.administration import Administration
from controller.api.queries import Queries
from controller.api.rpc.failures import answered_failures
from controller.api.rpc.guard import Guard, current_caller
from controller.domain.access import AccessSpec, CallerKind, JoinTokenSpec
from controller.domain.names import find_device
from controller.fleet.agents import Fleet
from protos.codec import from_request, to_message
from protos.joining import SECRET_BYTES
from protos.v1 import query_pb2, query_pb2_grpc

Context = grpc.aio.ServicerContext[Any, Any]


class AccessService(query_pb2_grpc.AccessServicer):
    """What who runs a controller calls."""

    def __init__(
        self, administration: Administration, queries: Queries, fleet: Fleet, guard: Guard
    ) -> None:
        self._administration = administration
        self._queries = queries
        self._fleet = fleet
        self._guard = guard

    async def CreateJoinToken(  # noqa: N802 - the contract's name
        self, request: query_pb2.CreateJoinTokenRequest, context: Context
    ) -> query_pb2.CreateJoinTokenResponse:
        """Makes a token by which devices join."""
        async with answered_failures(context):
            spec = from_request(request, JoinTokenSpec)
            known = await self._queries.devices()
            device = find_device(known, spec.device) if spec.device is not None else None
            secret = secrets.token_bytes(SECRET_BYTES)
            token, token_id = await asyncio.to_thread(
                self._administration.new_join_token, spec, secret, device
            )
        return query_pb2.CreateJoinTokenResponse(token=token, token_id=token_id)

    async def ListJoinTokens(  # noqa: N802
        self,
        request: query_pb2.ListJoinTokensRequest,  # noqa: ARG002 - the contract's signature
        context: Context,
    ) -> query_pb2.ListJoinTokensResponse:
        """Join tokens that may still be used."""
        async with answered_failures(context):
            found = await asyncio.to_thread(self._administration.join_tokens)
        return query_pb2.ListJoinTokensResponse(
            tokens=[to_message(token, query_pb2.JoinTokenState) for token in found]
        )

    async def RevokeJoinToken(  # noqa: N802
        self, request: query_pb2.RevokeJoinTokenRequest, context: Context
    ) -> query_pb2.RevokeJoinTokenResponse:
        """Ends a join token."""
        async with answered_failures(context):
            await asyncio.to_thread(self._administration.revoke_join_token, request.token_id)
        return query_pb2.RevokeJoinTokenResponse()

    async def CreateAccess(  # noqa: N802
        self, request: query_pb2.CreateAccessRequest, context: Context
    ) -> query_pb2.CreateAccessResponse:
        """Makes a token for a person or a program."""
        async with answered_failures(context):
            spec = from_request(request, AccessSpec)
            secret = secrets.token_bytes(SECRET_BYTES)
            token = await asyncio.to_thread(self._administration.new_access, spec, secret)
        return query_pb2.CreateAccessResponse(token=token)

    async def ListAccess(  # noqa: N802
        self,
        request: query_pb2.ListAccessRequest,  # noqa: ARG002 - the contract's signature
        context: Context,
    ) -> query_pb2.ListAccessResponse:
        """The tokens of people and programs."""
        async with answered_failures(context):
            found = await asyncio.to_thread(self._administration.access)
        return query_pb2.ListAccessResponse(
            tokens=[to_message(token, query_pb2.AccessState) for token in found]
        )

    async def RevokeAccess(  # noqa: N802
        self, request: query_pb2.RevokeAccessRequest, context: Context
    ) -> query_pb2.RevokeAccessResponse:
        """Ends a token and every call that is made with it."""
        async with answered_failures(context):
            await asyncio.to_thread(self._administration.revoke_access, request.name)
            self._guard.cut_off(CallerKind.TOKEN, request.name)
        return query_pb2.RevokeAccessResponse()

    async def RevokeDevice(  # noqa: N802
        self, request: query_pb2.RevokeDeviceRequest, context: Context
    ) -> query_pb2.RevokeDeviceResponse:
        """Cuts a device off."""
        async with answered_failures(context):
            device = find_device(await self._queries.devices(), request.device)
            by = current_caller()
            await asyncio.to_thread(self._administration.revoke_device, device, by)
            self._guard.cut_off(CallerKind.MEMBER, device.device_id)
        return query_pb2.RevokeDeviceResponse()

    async def RotateAuthority(  # noqa: N802
        self, request: query_pb2.RotateAuthorityRequest, context: Context
    ) -> query_pb2.RotateAuthorityResponse:
        """Lets a new key sign."""
        told = 0
        async with answered_failures(context):
            if request.distrust_earlier:
                await asyncio.to_thread(self._administration.replace_authority)
                self._guard.cut_off(CallerKind.MEMBER)
                self._guard.cut_off(CallerKind.TOKEN)
            else:
                await asyncio.to_thread(self._administration.rotate_authority)
                told = self._fleet.tell_to_renew()
        return query_pb2.RotateAuthorityResponse(
            told_count=told, authority_sha256=self._administration.authority_sha256()
        )

    async def ListAudit(  # noqa: N802
        self, request: query_pb2.ListAuditRequest, context: Context
    ) -> AsyncIterator[query_pb2.ListAuditResponse]:
        """What was changed, the newest first."""
        async with answered_failures(context):
            for entry in await asyncio.to_thread(self._administration.changes, request.count):
                yield query_pb2.ListAuditResponse(entry=to_message(entry, query_pb2.AuditEntry))

    async def WhoAmI(  # noqa: N802
        self,
        request: query_pb2.WhoAmIRequest,  # noqa: ARG002 - the contract's signature
        context: Context,
    ) -> query_pb2.WhoAmIResponse:
        """What the caller is to the controller."""
        async with answered_failures(context):
            return to_message(current_caller(), query_pb2.WhoAmIResponse)
