"""Certificates: an authority, the controller's own, and those of members; pure functions of keys.

All begin long ago, since a board without a battery may think that it is 1970. Of an authority and
of a controller none ends: they end by rotation, which no clock of a device has a say in. A member's
ends by the controller's clock, which alone looks at it.
"""

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from controller.domain.errors import EdgerankError, ErrorCode
from protos.joining import SERVER_NAME

_BEGINNING: Final = datetime(1950, 1, 1, tzinfo=timezone.utc)
# What RFC 5280, 4.1.2.5, has for "no well-defined expiration date".
_NEVER: Final = datetime(9999, 12, 31, 23, 59, 59, tzinfo=timezone.utc)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=timezone.utc)


@dataclass(frozen=True)
class Authority:
    """Who signs.

    Attributes:
        key: what it signs with.
        certificate: signed by itself.
        by_earlier: signed by the authority before it, for who trusts that; None for the first.
    """

    key: ec.EllipticCurvePrivateKey
    certificate: x509.Certificate
    by_earlier: x509.Certificate | None = None

    def to_pem(self) -> bytes:
        """Everything, the key first."""
        key = self.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        certificates = filter(None, (self.certificate, self.by_earlier))
        return key + b"".join(each.public_bytes(Encoding.PEM) for each in certificates)

    @classmethod
    def from_pem(cls, content: bytes) -> "Authority":
        """What `to_pem` wrote.

        Raises:
            ValueError: it was written by something else, or cut off.
        """
        key = load_pem_private_key(content, password=None)
        own, *by_earlier = x509.load_pem_x509_certificates(content)
        if not isinstance(key, ec.EllipticCurvePrivateKey):
            raise ValueError("a key of another kind")
        return cls(key, own, by_earlier[0] if by_earlier else None)

    def fingerprint(self) -> bytes:
        """SHA-256 of its certificate."""
        return self.certificate.fingerprint(hashes.SHA256())


@dataclass(frozen=True)
class Issued:
    """A member's certificate: as PEM, its serial number in hex, and when it ends."""

    pem: bytes
    serial: str
    expires_at_unix_ms: int


def new_authority(earlier: Authority | None) -> Authority:
    """An authority with a fresh key, vouched for by the one before it."""
    key = ec.generate_private_key(ec.SECP256R1())
    # One of a name of its own: which key signed is found by the name.
    name = _named(f"edgerank authority {uuid.uuid4().hex[:12]}")

    def signed_by(issuer: x509.Name, signer: ec.EllipticCurvePrivateKey) -> x509.Certificate:
        return (
            _unsigned(name, issuer, key.public_key(), signer.public_key())
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .add_extension(_usage(signs=True), critical=True)
            .sign(signer, hashes.SHA256())
        )

    by_earlier = signed_by(earlier.certificate.subject, earlier.key) if earlier else None
    return Authority(key, signed_by(name, key), by_earlier)


def server_identity(authority: Authority) -> tuple[bytes, bytes]:
    """A fresh key for the controller and its certificate, as PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    certificate = (
        _unsigned(
            _named(SERVER_NAME),
            authority.certificate.subject,
            key.public_key(),
            authority.key.public_key(),
        )
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(SERVER_NAME)]), critical=False)
        .sign(authority.key, hashes.SHA256())
    )
    return (
        key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()),
        certificate.public_bytes(Encoding.PEM),
    )


def member_certificate(
    authority: Authority, request_der: bytes, device_id: str, expires_at_unix_ms: int
) -> Issued:
    """A member's certificate, whose subject is the device's id whatever the request calls itself.

    Raises:
        EdgerankError: INVALID_INPUT for what is no request, or not signed with its own key.
    """
    public_key = _requested_key(request_der)
    # Whole seconds are what a certificate knows.
    expires_at = _EPOCH + timedelta(seconds=expires_at_unix_ms // 1000)
    certificate = (
        _unsigned(
            _named(device_id),
            authority.certificate.subject,
            public_key,
            authority.key.public_key(),
            expires_at,
        )
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]), critical=False)
        .sign(authority.key, hashes.SHA256())
    )
    return Issued(
        certificate.public_bytes(Encoding.PEM), serial_of(certificate), expires_at_unix_ms
    )


def serial_of(certificate: x509.Certificate) -> str:
    """A certificate's number, in lower-case hex."""
    return f"{certificate.serial_number:x}"


def _requested_key(request_der: bytes) -> ec.EllipticCurvePublicKey:
    try:
        request = x509.load_der_x509_csr(request_der)
        key = request.public_key()
        if not request.is_signature_valid:
            raise InvalidSignature
    except (ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm) as error:
        raise _no_request() from error
    if not isinstance(key, ec.EllipticCurvePublicKey) or key.curve.name != "secp256r1":
        raise _no_request()
    return key


def _no_request() -> EdgerankError:
    return EdgerankError(
        ErrorCode.INVALID_INPUT,
        "this is no certificate request with a key of the curve P-256; use the same edgerank "
        "version on both sides",
    )


def _named(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _unsigned(
    subject: x509.Name,
    issuer: x509.Name,
    public_key: ec.EllipticCurvePublicKey,
    signer: ec.EllipticCurvePublicKey,
    not_after: datetime = _NEVER,
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public_key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(_BEGINNING)
        .not_valid_after(not_after)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public_key), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer), critical=False)
    )


def _usage(*, signs: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs,
        key_cert_sign=signs,
        crl_sign=signs,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )
