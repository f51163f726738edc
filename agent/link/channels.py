"""Channels to a controller: plain, with TLS, and with TLS both ways."""

import grpc

from agent.link.identity import Identity
from protos.joining import SERVER_NAME

WINDOW_BYTES = 32 * 1024**2
CHANNEL_OPTIONS: tuple[tuple[str, int], ...] = (
    # A dead link (a router that forgot us) is noticed without waiting for TCP.
    ("grpc.keepalive_time_ms", 30_000),
    ("grpc.keepalive_timeout_ms", 10_000),
    # How often is ours to say; the channel's own two minutes would come on top.
    ("grpc.initial_reconnect_backoff_ms", 100),
    # How long a connection may take to begin: while thousands begin, TLS takes its time, and who
    # breaks off begins anew, behind the others.
    ("grpc.min_reconnect_backoff_ms", 40_000),
    ("grpc.max_reconnect_backoff_ms", 5_000),
    # Artifacts come in frames of this size; the default, 16 KiB, costs a quarter of the speed.
    ("grpc.http2.max_frame_size", 1024**2),
    # How much may be under way: all that a link of 1 Gbit/s and 100 ms takes while its answer comes
    # back. Guessed by probes it grows from 64 KiB, for longer than most artifacts take.
    ("grpc.http2.lookahead_bytes", WINDOW_BYTES),
    ("grpc.http2.bdp_probe", 0),
    # A proxy set for the web knows no controllers.
    ("grpc.enable_http_proxy", 0),
)


def plain_channel(address: str) -> grpc.aio.Channel:
    """A channel to HOST:PORT without TLS."""
    return grpc.aio.insecure_channel(address, CHANNEL_OPTIONS)


def secure_channel(address: str, authority_pem: str, identity: Identity | None) -> grpc.aio.Channel:
    """A channel to the controller at HOST:PORT for whom this authority signed."""
    credentials = grpc.ssl_channel_credentials(
        authority_pem.encode(),
        None if identity is None else identity.key_pem.encode(),
        None if identity is None else identity.certificate_pem.encode(),
    )
    named = ("grpc.ssl_target_name_override", SERVER_NAME)
    return grpc.aio.secure_channel(address, credentials, (*CHANNEL_OPTIONS, named))
