"""Certificates hold whatever a device's clock says, and are of whom the controller says."""

from datetime import datetime, timezone

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from agent.link.identity import new_request
from controller.access.certificates import (
    Authority,
    member_certificate,
    new_authority,
    server_identity,
)
from controller.domain.errors import EdgerankError

# Of a board without a battery, and one whose owner set it wrong.
CLOCKS = [datetime(year, 1, 1, tzinfo=timezone.utc) for year in (1970, 2000, 2099)]


@pytest.mark.parametrize("clock", CLOCKS)
def test_what_a_device_checks_holds_at_any_time(clock: datetime) -> None:
    authority = new_authority(new_authority(None))
    _key, served = server_identity(authority)
    assert authority.by_earlier is not None
    for each in (
        authority.certificate,
        authority.by_earlier,
        x509.load_pem_x509_certificate(served),
    ):
        assert each.not_valid_before_utc <= clock <= each.not_valid_after_utc


def test_a_member_is_whom_the_controller_says_whatever_it_calls_itself() -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    claimed = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "another device")])
    request = x509.CertificateSigningRequestBuilder().subject_name(claimed)
    issued = member_certificate(
        new_authority(None),
        request.sign(key, hashes.SHA256()).public_bytes(Encoding.DER),
        "device-1",
        1_000_000_000_000,
    )
    certificate = x509.load_pem_x509_certificate(issued.pem)
    assert certificate.subject.rfc4514_string() == "CN=device-1"
    assert certificate.not_valid_after_utc == datetime(2001, 9, 9, 1, 46, 40, tzinfo=timezone.utc)
    usage = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert x509.oid.ExtendedKeyUsageOID.SERVER_AUTH not in usage


def test_the_authority_before_vouches_for_the_next() -> None:
    first = new_authority(None)
    second = new_authority(first)
    assert second.by_earlier is not None
    second.by_earlier.verify_directly_issued_by(first.certificate)
    assert second.by_earlier.public_key() == second.certificate.public_key()
    read = Authority.from_pem(second.to_pem())
    assert (read.certificate, read.by_earlier) == (second.certificate, second.by_earlier)


def _changed(request: bytes) -> bytes:
    return request[:-1] + bytes([request[-1] ^ 1])


def _of_rsa() -> bytes:
    key = rsa.generate_private_key(65537, 2048)
    request = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([]))
    return request.sign(key, hashes.SHA256()).public_bytes(Encoding.DER)


@pytest.mark.parametrize(
    "request_der",
    [b"", b"\x30\x00", _changed(new_request().request_der), _of_rsa()],
    ids=["nothing", "empty", "changed", "of another kind of key"],
)
def test_what_is_no_request_of_its_own_key_gets_no_certificate(request_der: bytes) -> None:
    with pytest.raises(EdgerankError):
        member_certificate(new_authority(None), request_der, "device-1", 1_000_000_000_000)
