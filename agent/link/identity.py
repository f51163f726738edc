"""Who a member is: its key, which never leaves the device, and the certificate of it."""

import json
import os
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from agent.state_folder import StateUnusable, put_in_place, reason_of
from protos.fleet import Membership

_FILE = "identity.json"


@dataclass(frozen=True, kw_only=True)
class Identity:
    """A member's papers.

    Attributes:
        device_id: the subject of the certificate.
        key_pem: the private key.
        certificate_pem: the certificate.
        authority_pem: of who signs the controller's certificate.
        addresses: HOST:PORT where devices join, the one that answered first.
        fleet_port: where members connect on the same hosts.
        renew_after_ms: how long after it was issued the certificate is to be renewed.
        token_sha256: digest of the token's secret, by which a token is told that was used already.
    """

    device_id: str
    key_pem: str
    certificate_pem: str
    authority_pem: str
    addresses: tuple[str, ...]
    fleet_port: int
    renew_after_ms: int
    token_sha256: str

    def __repr__(self) -> str:
        """Without the key, which would be logged with it."""
        return f"Identity(device_id={self.device_id!r})"

    def renewed(self, key_pem: str, membership: Membership) -> "Identity":
        """The papers with the next certificate."""
        return replace(
            self,
            device_id=membership.device_id,
            key_pem=key_pem,
            certificate_pem=membership.certificate_pem,
            authority_pem=membership.authority_pem,
            fleet_port=membership.fleet_port,
            renew_after_ms=membership.renew_after_ms,
        )


@dataclass(frozen=True)
class CertificateRequest:
    """A fresh key, and what asks for a certificate of it."""

    key_pem: str
    request_der: bytes


def new_request() -> CertificateRequest:
    """Make a key of the curve P-256 here, and a request that it signed."""
    key = ec.generate_private_key(ec.SECP256R1())
    # The controller decides who it is of.
    request = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([]))
    return CertificateRequest(
        key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode("ascii"),
        request.sign(key, hashes.SHA256()).public_bytes(Encoding.DER),
    )


def load_identity(folder: Path) -> Identity | None:
    """The papers in a state folder; None for a device that is no member.

    Raises:
        StateUnusable: they cannot be read.
    """
    path = folder / _FILE
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        return Identity(**{**document, "addresses": tuple(document["addresses"])})
    except FileNotFoundError:
        return None
    except OSError as error:
        raise StateUnusable(f"{path} cannot be read: {reason_of(error)}") from error
    except (ValueError, KeyError, TypeError) as error:
        raise StateUnusable(
            f"{path} is damaged: restore it, or delete it and join with another token"
        ) from error


def keep_identity(folder: Path, identity: Identity) -> None:
    """Keep the papers, for this user alone.

    Raises:
        StateUnusable: the folder cannot be written.
    """
    path = folder / _FILE
    beside = path.with_name(f"{path.name}.part")
    try:
        beside.unlink(missing_ok=True)
        descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump(asdict(identity), file)
        put_in_place(beside, path)
    except OSError as error:
        raise StateUnusable(f"{path} cannot be kept: {reason_of(error)}") from error
