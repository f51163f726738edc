"""How controllers are known on this machine: a file of their owner for each address."""

import base64
import binascii
import json
import os
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, unquote

from platformdirs import user_config_path

from controller.domain.errors import EdgerankError, ErrorCode


@dataclass(frozen=True)
class Login:
    """How a controller is known, and how it knows who asks.

    Attributes:
        authority_pem: the certificate of who signs there.
        secret: the token's; None where the connection itself tells who asks.
    """

    authority_pem: str
    secret: bytes | None = None

    def __repr__(self) -> str:
        """Without the secret, which would be logged with it."""
        return "Login()"


def find_login(address: str) -> Login | None:
    """What is known of the controller at HOST:PORT.

    Raises:
        EdgerankError: STORAGE when the file of it cannot be read.
    """
    path = _path(address)
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        letters = document["secret"]
        secret = None if letters is None else base64.b64decode(letters, validate=True)
        return Login(str(document["authority_pem"]), secret)
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError, binascii.Error) as error:
        raise EdgerankError(
            ErrorCode.STORAGE,
            f"the login in {path} cannot be read; delete the file, and log in again",
        ) from error


def known_addresses() -> tuple[str, ...]:
    """HOST:PORT of every controller that is known on this machine, in order."""
    return tuple(sorted(unquote(path.stem) for path in _folder().glob("*.json")))


def keep_login(address: str, login: Login) -> None:
    """Remembers how the controller at HOST:PORT is known, for this user alone.

    Raises:
        EdgerankError: STORAGE.
    """
    path = _path(address)
    secret = None if login.secret is None else base64.b64encode(login.secret).decode("ascii")
    document = {"authority_pem": login.authority_pem, "secret": secret}
    beside = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.parent.chmod(0o700)
        beside.unlink(missing_ok=True)
        descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump(document, file)
        beside.replace(path)
    except OSError as error:
        raise _unwritable(path, error) from error


def forget_login(address: str) -> bool:
    """Forgets how the controller at HOST:PORT is known; False when it was not.

    Raises:
        EdgerankError: STORAGE.
    """
    path = _path(address)
    try:
        path.unlink()
    except FileNotFoundError:
        return False
    except OSError as error:
        raise _unwritable(path, error) from error
    return True


def _path(address: str) -> Path:
    return _folder() / f"{quote(address, safe='')}.json"


def _folder() -> Path:
    return user_config_path("edgerank") / "logins"


def _unwritable(path: Path, error: OSError) -> EdgerankError:
    return EdgerankError(
        ErrorCode.STORAGE, f"the login in {path} cannot be kept: {error.strerror}; make it writable"
    )
