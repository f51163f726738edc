"""A connection to one controller, as a login says: with TLS and a token, or with neither."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Final, ParamSpec, TypeVar

import grpc
from google.protobuf.message import Message

from controller.api.statuses import code_of, code_of_status
from controller.client.leaving_out import LeftOutTeller
from controller.client.logins import Login, find_login, known_addresses
from controller.domain.errors import EdgerankError, ErrorCode
from protos.codec import UNFIT, MessageInvalid, misfit_words, to_message
from protos.joining import SERVER_NAME, bearer_letters
from protos.names import printable

DEADLINE_S: Final = 30.0
"""What answers at once gets this long; streams have no deadline."""
_CONNECT_S: Final = 5.0
_OPTIONS: Final = (
    # Measurements with their raw samples are larger than gRPC's default of 4 MB.
    ("grpc.max_receive_message_length", 256 << 20),
    # A person's web proxy knows nothing of controllers.
    ("grpc.enable_http_proxy", 0),
)

ClientT = TypeVar("ClientT", bound="Client")
MessageT = TypeVar("MessageT")
QuestionT = TypeVar("QuestionT", bound=Message)
GivenP = ParamSpec("GivenP")


class Client:
    """A connection to one controller; a context manager that closes it.

    Every call raises EdgerankError: UNREACHABLE when nobody answers at the address, otherwise what
    the controller said.
    """

    def __init__(self, address: str, login: Login | None = None) -> None:
        """By a login, or as the one says that is kept of the address."""
        self.address = address
        self._login = login or find_login(address)
        self.channel = grpc.intercept_channel(_channel(address, self._login), LeftOutTeller())

    def __enter__(self: ClientT) -> ClientT:
        try:
            grpc.channel_ready_future(self.channel).result(timeout=_CONNECT_S)
        except grpc.FutureTimeoutError as error:
            self.channel.close()
            raise EdgerankError(
                ErrorCode.UNREACHABLE,
                f"no controller answers at {self.address}; start one with 'edgerank controller' "
                f"or name the address of another; {self._remedy()}",
            ) from error
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.channel.close()

    def _remedy(self) -> str:
        if self._login is not None:
            return f"if it signs with another key now, 'edgerank login {self.address}' again"
        if elsewhere := known_addresses():
            return (
                f"you are logged in at {', '.join(elsewhere)}: name it with --controller, or in "
                "EDGERANK_CONTROLLER"
            )
        return f"one that asks for a token wants 'edgerank login {self.address}' first"

    @contextmanager
    def said(self) -> Iterator[None]:
        """Turns the status that a call ends with into the failure that it tells of."""
        try:
            yield
        except grpc.RpcError as error:
            status = error.code() if isinstance(error, grpc.Call) else grpc.StatusCode.UNKNOWN
            details = error.details() if isinstance(error, grpc.Call) else str(error)
            if status is grpc.StatusCode.UNAVAILABLE:
                details = (
                    f"the controller at {self.address} went away; start it again: "
                    "what it had committed is kept and running sweeps go on"
                )
            told = printable(details or status.name)
            code = code_of(error) if isinstance(error, grpc.Call) else code_of_status(status)
            raise EdgerankError(code, told) from error

    @contextmanager
    def sending(self, messages: Iterable[MessageT]) -> Iterator[Iterator[MessageT]]:
        """As `said`, of a call that these go up with; where making one fails, that is told.

        gRPC ends such a call, and says of it that there was an exception.
        """
        failures: list[EdgerankError] = []

        def made() -> Iterator[MessageT]:
            try:
                yield from messages
            except EdgerankError as error:
                failures.append(error)
                raise

        try:
            with self.said():
                yield made()
        except EdgerankError as error:
            if failures:
                raise failures[0] from error
            raise


def asked_message(question: object, message_type: type[QuestionT]) -> QuestionT:
    """The message that asks a question.

    Raises:
        EdgerankError: INVALID_INPUT for a number that is larger than any may be, or no number.
    """
    try:
        return to_message(question, message_type)
    except MessageInvalid as error:
        raise _unasked(str(error.__cause__ or error)) from error


def asked_with(
    message_type: Callable[GivenP, QuestionT], *args: GivenP.args, **given: GivenP.kwargs
) -> QuestionT:
    """The message of these fields, as its type makes it.

    Raises:
        EdgerankError: INVALID_INPUT for a value that does not fit its field.
    """
    try:
        return message_type(*args, **given)
    except UNFIT as error:
        misfits = (_misfit(message_type, name, value) for name, value in given.items())
        raise _unasked(next(filter(None, misfits), str(error))) from error


def _misfit(message_type: Callable[..., Message], name: str, value: object) -> str:
    """How a value does not fit its field; empty where it does."""
    try:
        message_type(**{name: value})
    except UNFIT as error:
        return misfit_words(name, value, error)
    return ""


def _unasked(why: str) -> EdgerankError:
    return EdgerankError(
        ErrorCode.INVALID_INPUT, f"this cannot be asked: {why}; give another value"
    )


def _channel(address: str, login: Login | None) -> grpc.Channel:
    if login is None:
        return grpc.insecure_channel(address, _OPTIONS)
    credentials = grpc.ssl_channel_credentials(login.authority_pem.encode())
    if login.secret is not None:
        token = grpc.access_token_call_credentials(bearer_letters(login.secret))
        credentials = grpc.composite_channel_credentials(credentials, token)
    named = ("grpc.ssl_target_name_override", SERVER_NAME)
    return grpc.secure_channel(address, credentials, (*_OPTIONS, named))
