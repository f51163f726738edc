"""The certificate of who signs at an address, taken only if it is the one that a token tells of."""

import hashlib
import selectors
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from OpenSSL import SSL


class NotPresented(Exception):
    """Nobody there presents it; the message says what is there instead."""


class NobodyThere(Exception):
    """No connection came about, or none in time."""


def presented_authority(address: str, sha256: bytes, timeout_s: float) -> bytes:
    """The certificate, as PEM, of this digest among those that are presented at HOST:PORT.

    Nothing is trusted meanwhile: what is taken is known by its digest, and whoever presents it has
    to prove in the connection after this one that it has the key.

    Raises:
        NobodyThere: nothing answers there in time.
        NotPresented: what answers speaks no TLS, or presents other certificates.
    """
    with _connected(address, timeout_s) as connection:
        for certificate in connection.get_peer_cert_chain(as_cryptography=True) or ():
            if hashlib.sha256(certificate.public_bytes(Encoding.DER)).digest() == sha256:
                return certificate.public_bytes(Encoding.PEM)
    raise NotPresented("what answers there shows another certificate authority")


def presented_certificates(address: str, timeout_s: float) -> bytes:
    """Every certificate that is presented at HOST:PORT, as PEM; what they are worth, nobody knows.

    Raises:
        NobodyThere: nothing answers there in time.
        NotPresented: what answers speaks no TLS.
    """
    with _connected(address, timeout_s) as connection:
        chain = connection.get_peer_cert_chain(as_cryptography=True) or ()
        return b"".join(certificate.public_bytes(Encoding.PEM) for certificate in chain)


def digest_of(authority_pem: bytes) -> bytes:
    """SHA-256 of a certificate, as tokens have it."""
    certificate = x509.load_pem_x509_certificate(authority_pem)
    return hashlib.sha256(certificate.public_bytes(Encoding.DER)).digest()


def _is_readable(plain: socket.socket, within_s: float) -> bool:
    """Whether something comes; of any descriptor, which `select.select` cannot take above 1,023."""
    with selectors.DefaultSelector() as selector:
        selector.register(plain, selectors.EVENT_READ)
        return bool(selector.select(within_s))


@contextmanager
def _connected(address: str, timeout_s: float) -> Iterator[SSL.Connection]:
    deadline = time.monotonic() + timeout_s
    host, _, port = address.rpartition(":")
    context = SSL.Context(SSL.TLS_CLIENT_METHOD)
    context.set_verify(SSL.VERIFY_NONE)
    context.set_alpn_protos([b"h2"])
    try:
        with socket.create_connection((host.strip("[]"), int(port)), timeout_s) as plain:
            plain.setblocking(False)
            connection = SSL.Connection(context, plain)
            connection.set_connect_state()
            while True:
                try:
                    connection.do_handshake()
                    break
                except SSL.WantReadError as error:
                    left_s = deadline - time.monotonic()
                    if left_s <= 0 or not _is_readable(plain, left_s):
                        raise NobodyThere("no answer in time") from error
            yield connection
    except OSError as error:
        raise NobodyThere(error.strerror or str(error)) from error
    except SSL.Error as error:
        raise NotPresented("what answers there speaks no TLS") from error
