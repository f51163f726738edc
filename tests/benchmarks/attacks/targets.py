"""Whom attackers attack, and what they have in hand."""

from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeAlias

import grpc

from protos.joining import SERVER_NAME

ANSWER_S = 20.0
_OPTIONS = (("grpc.ssl_target_name_override", SERVER_NAME), ("grpc.max_send_message_length", -1))


@dataclass(frozen=True, kw_only=True)
class Targets:
    """A controller, and what a member and people of its fleet have.

    Attributes:
        address: HOST:PORT of people.
        fleet_address: HOST:PORT of members.
        authority_pem: of who signs.
        device_id: of a member.
        key_pem: its key.
        certificate_pem: its certificate.
        reader: what follows Bearer of who may read.
        operator: of who may start sweeps.
        adder: of who may add models.
        sweep: the name of the honest sweep.
        poison: paths of files that no controller should adopt.
        share: of the attacks' full number.
    """

    address: str
    fleet_address: str
    authority_pem: str
    device_id: str
    key_pem: str
    certificate_pem: str
    reader: str
    operator: str
    adder: str
    sweep: str
    poison: tuple[str, ...]
    share: float

    def many(self, count: int) -> int:
        """So many of `count` as this run has, at least 1."""
        return max(1, round(count * self.share))

    def door(self) -> grpc.aio.Channel:
        """A connection to where people come."""
        credentials = grpc.ssl_channel_credentials(self.authority_pem.encode())
        return grpc.aio.secure_channel(self.address, credentials, _OPTIONS)

    def members_door(self) -> grpc.aio.Channel:
        """A connection of the member."""
        credentials = grpc.ssl_channel_credentials(
            self.authority_pem.encode(), self.key_pem.encode(), self.certificate_pem.encode()
        )
        return grpc.aio.secure_channel(self.fleet_address, credentials, _OPTIONS)

    def hosts(self) -> tuple[tuple[str, int], ...]:
        """Both doors as sockets take them."""
        places = (each.rpartition(":") for each in (self.address, self.fleet_address))
        return tuple((host, int(port)) for host, _, port in places)


def bearer(letters: str) -> tuple[tuple[str, str], ...]:
    """The metadata of who has this token."""
    return (("authorization", f"Bearer {letters}"),)


Attack: TypeAlias = Callable[[Targets, "Counter[str]"], Awaitable[None]]
