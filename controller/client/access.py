"""Who may do what at a controller, as the command line asks it."""

from collections.abc import Iterator

from controller.client.channel import DEADLINE_S, Client, asked_message, asked_with
from controller.domain.access import (
    AccessSpec,
    AccessState,
    AuditEntry,
    Caller,
    JoinTokenSpec,
    JoinTokenState,
)
from protos.codec import from_answer
from protos.v1 import query_pb2, query_pb2_grpc


class AccessClient(Client):
    """Asks one controller; a context manager that closes the connection."""

    def __init__(self, address: str) -> None:
        super().__init__(address)
        self._stub = query_pb2_grpc.AccessStub(self.channel)

    def who_am_i(self) -> Caller:
        """What the caller is to the controller."""
        with self.said():
            answer = self._stub.WhoAmI(query_pb2.WhoAmIRequest(), timeout=DEADLINE_S)
        return from_answer(answer, Caller)

    def create_join_token(self, spec: JoinTokenSpec) -> tuple[str, str]:
        """A token by which devices join, and its id."""
        request = asked_message(spec, query_pb2.CreateJoinTokenRequest)
        with self.said():
            answer = self._stub.CreateJoinToken(request, timeout=DEADLINE_S)
        return answer.token, answer.token_id

    def list_join_tokens(self) -> tuple[JoinTokenState, ...]:
        """The join tokens that may still be used."""
        with self.said():
            answer = self._stub.ListJoinTokens(
                query_pb2.ListJoinTokensRequest(), timeout=DEADLINE_S
            )
        return tuple(from_answer(token, JoinTokenState) for token in answer.tokens)

    def revoke_join_token(self, token_id: str) -> None:
        """Ends a join token."""
        request = asked_with(query_pb2.RevokeJoinTokenRequest, token_id=token_id)
        with self.said():
            self._stub.RevokeJoinToken(request, timeout=DEADLINE_S)

    def create_access(self, spec: AccessSpec) -> str:
        """A token for a person or a program."""
        request = asked_message(spec, query_pb2.CreateAccessRequest)
        with self.said():
            return self._stub.CreateAccess(request, timeout=DEADLINE_S).token

    def list_access(self) -> tuple[AccessState, ...]:
        """The tokens of people and programs, by name."""
        with self.said():
            answer = self._stub.ListAccess(query_pb2.ListAccessRequest(), timeout=DEADLINE_S)
        return tuple(from_answer(token, AccessState) for token in answer.tokens)

    def revoke_access(self, name: str) -> None:
        """Ends a token of a person or a program, and every call that is made with it."""
        request = asked_with(query_pb2.RevokeAccessRequest, name=name)
        with self.said():
            self._stub.RevokeAccess(request, timeout=DEADLINE_S)

    def revoke_device(self, device: str) -> None:
        """Cuts a device off."""
        request = asked_with(query_pb2.RevokeDeviceRequest, device=device)
        with self.said():
            self._stub.RevokeDevice(request, timeout=DEADLINE_S)

    def rotate_authority(self, *, distrust_earlier: bool) -> int:
        """Lets a new key sign; gives how many agents were told to renew."""
        request = asked_with(query_pb2.RotateAuthorityRequest, distrust_earlier=distrust_earlier)
        with self.said():
            return self._stub.RotateAuthority(request, timeout=DEADLINE_S).told_count

    def list_audit(self, count: int) -> Iterator[AuditEntry]:
        """At most so many changes, the newest first."""
        with self.said():
            for answer in self._stub.ListAudit(asked_with(query_pb2.ListAuditRequest, count=count)):
                yield from_answer(answer.entry, AuditEntry)
