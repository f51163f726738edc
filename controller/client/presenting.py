"""How a token becomes a login: the controller shows who signs there, as the token tells."""

from typing import Final

from controller.client.logins import Login
from controller.domain.errors import EdgerankError, ErrorCode
from protos.joining import TokenInvalid, parse_access_token
from protos.joining.presented import NobodyThere, NotPresented, presented_authority

_CONNECT_S: Final = 5.0


def login_by_token(address: str, token: str) -> Login:
    """The login at HOST:PORT by a token of 'edgerank access create', which is not kept.

    Raises:
        EdgerankError: INVALID_INPUT for what is no token, UNREACHABLE, or NOT_ALLOWED for the token
            of another controller.
    """
    try:
        parsed = parse_access_token(token)
        authority = presented_authority(address, parsed.authority_sha256, _CONNECT_S)
    except TokenInvalid as error:
        raise EdgerankError(
            ErrorCode.INVALID_INPUT,
            f"this is no token for people: {error}; copy the whole line that 'edgerank access "
            "create' printed",
        ) from error
    except NobodyThere as error:
        raise EdgerankError(
            ErrorCode.UNREACHABLE, f"no controller answers at {address}: {error}"
        ) from error
    except NotPresented as error:
        raise EdgerankError(
            ErrorCode.NOT_ALLOWED,
            f"the token is not of the controller at {address}: {error}; correct the address, or "
            "ask who runs it for a token",
        ) from error
    return Login(authority.decode("ascii"), parsed.secret)
