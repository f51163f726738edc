"""Nobody makes a controller unpack what is a thousand times as large as what they sent."""

from collections.abc import Callable, Iterator

import grpc
import psutil
import pytest

from tests.integration.access.conftest import Guarded, status_of
from tests.integration.bounds.conftest import limited_guarded, process_of

# On the wire it is a thousandth of that, which each port takes.
UNPACKED_BYTES = 32_000_000
GROWN_BYTES = UNPACKED_BYTES // 4


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    with limited_guarded(tmp_path_factory.mktemp("compressed")) as controller:
        yield controller


def says_zeros(channel: grpc.Channel, method: str) -> Callable[[], None]:
    call: grpc.StreamStreamMultiCallable[bytes, bytes] = channel.stream_stream(method)

    def say() -> None:
        said = iter([bytes(UNPACKED_BYTES)])
        for _answer in call(said, timeout=60, compression=grpc.Compression.Gzip):
            pass

    return say


def refused_for_little(say: Callable[[], None], controller: psutil.Process) -> None:
    before_bytes = controller.memory_info().rss
    with pytest.raises(grpc.RpcError) as refused:
        say()
    assert status_of(refused.value) is grpc.StatusCode.UNIMPLEMENTED
    assert controller.memory_info().rss - before_bytes < GROWN_BYTES


@pytest.mark.parametrize("method", ["Joining/Join", "Joining/CheckCertificate", "Query/AddModel"])
def test_nothing_of_a_stranger_is_unpacked(guarded: Guarded, method: str) -> None:
    with guarded.channel(guarded.authority(guarded.token())) as channel:
        say = says_zeros(channel, f"/edgerank.v1.{method}")
        refused_for_little(say, process_of(guarded.running))


@pytest.mark.parametrize("method", ["Fleet/Connect", "Fleet/FetchArtifact", "Joining/Renew"])
def test_nothing_of_a_member_is_unpacked(guarded: Guarded, method: str) -> None:
    with guarded.member_channel(guarded.join(guarded.token())) as channel:
        say = says_zeros(channel, f"/edgerank.v1.{method}")
        refused_for_little(say, process_of(guarded.running))
