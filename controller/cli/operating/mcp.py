"""`edgerank mcp`: what an assistant may ask of a controller, by the Model Context Protocol."""

import json
from collections.abc import Callable, Coroutine
from functools import wraps
from typing import Any, Final, ParamSpec, cast

import anyio.to_thread
import click
from mcp.server import MCPServer
from mcp.server.mcpserver.exceptions import ToolError

from controller.cli.options.asking import controller_option
from controller.cli.options.failures import says_failures
from controller.client import Client
from controller.domain.errors import EdgerankError
from controller.domain.rankings import Merit
from controller.domain.rankings.limits import Criterion, at_most
from controller.views.documents import to_document
from models.catalog.precisions import Precision
from models.catalog.tiers import Tier
from protos.runtimes import Runtime

MOST_LISTED: Final = 20
"""Of each list, unless more is asked for: an assistant reads all that it is told."""

MOST_ASKED: Final = 100
"""Of each list at most, however much is asked for."""

CUT: Final = "cut"
"""The field of an answer that tells which lists are longer than what is told, and how long."""

_ABOUT: Final = (
    "edgerank tells which image-classification backbone is best on a device, by measurement. "
    "Latencies are milliseconds with 95 % intervals, memory is bytes, top-1 is percent on "
    "ImageNet-1k unless another dataset is named. All tools only read. Of long lists the first are "
    f"told; `{CUT}` then says how many there are, and `most` asks for more, up to {MOST_ASKED}: "
    "narrower questions are better. A field that is not there is not known, or empty."
)

AskedP = ParamSpec("AskedP")


@click.command()
@controller_option
@says_failures
def mcp(*, address: str) -> None:
    """Let an assistant ask a controller, over standard input and output.

    Speaks the Model Context Protocol. Its tools read devices, backbones, measurements and rankings;
    none of them changes anything. An assistant starts it by itself: give it this command.

    \b
    Examples:
      edgerank mcp
      edgerank mcp --controller lab:7700
    """
    with Client(address) as client:
        assistant_server(client).run("stdio")


def assistant_server(client: Client) -> MCPServer[None]:
    """The server whose tools ask one controller."""
    server: MCPServer[None] = MCPServer("edgerank", instructions=_ABOUT, log_level="ERROR")
    for tool in _Tools(client).each():
        # As text alone: beside it the same would come once more.
        server.tool(structured_output=False)(tool)
    return server


class _Tools:
    """The questions; each docstring is what an assistant reads of it."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def each(self) -> tuple[Callable[..., Any], ...]:
        """All of them."""
        return tuple(
            _in_thread(tool)
            for tool in (
                self.devices,
                self.backbones,
                self.best,
                self.best_for_fleet,
                self.why,
                self.predict,
                self.compare,
                self.sweeps,
                self.measurements,
            )
        )

    def devices(self, name_contains: str = "", most: int = MOST_LISTED) -> dict[str, Any]:
        """List the devices of the fleet: what they are, whether they are connected."""
        found = tuple(
            each for each in self._client.devices() if name_contains.lower() in each.name.lower()
        )
        return bounded({"devices": to_document(found)}, most)

    def backbones(
        self, name_contains: str = "", series: str = "", most: int = MOST_LISTED
    ) -> dict[str, Any]:
        """List backbones of the catalog with published accuracy and cost."""
        found = tuple(
            each
            for each in self._client.backbones()
            if name_contains.lower() in each.name.lower() and series in ("", each.series)
        )
        return bounded({"backbones": to_document(found)}, most)

    def best(
        self,
        device: str,
        max_latency_ms: float | None = None,
        max_memory_bytes: int | None = None,
        min_top1: float | None = None,
        *,
        max_p90_ms: float | None = None,
        max_p99_ms: float | None = None,
        max_artifact_bytes: int | None = None,
        max_params_m: float | None = None,
        tier: Tier | None = None,
        series: tuple[str, ...] = (),
        distilled: bool | None = None,
        extra_data: bool | None = None,
        runtime: Runtime | None = None,
        precision: Precision | None = None,
        threads: int | None = None,
        by: Merit | None = None,
        confidence: float | None = None,
        front: tuple[Criterion, ...] = (),
        most: int = MOST_LISTED,
    ) -> dict[str, Any]:
        """Say which backbone is best on a device under limits, and why the others are not.

        Within a limit of latency or memory the most accurate wins, with an accuracy alone the
        fastest, else the best value, or what `by` says. `confidence`, a fraction, is how sure the
        winner has to be the first; `front` names the two or three figures of the Pareto front,
        else latency and top1.
        Without a winner, `suggested_sweep` would measure what is missing.
        """
        ranking = self._client.best(
            device,
            max_latency_ms=max_latency_ms,
            max_memory_bytes=max_memory_bytes,
            min_top1=min_top1,
            limits=at_most(
                {
                    Criterion.P90: max_p90_ms,
                    Criterion.P99: max_p99_ms,
                    Criterion.ARTIFACT_SIZE: max_artifact_bytes,
                    Criterion.PARAMS: max_params_m,
                }
            ),
            tier=tier,
            series=series,
            distilled=distilled,
            extra_data=extra_data,
            runtime=runtime,
            precision=precision,
            threads=threads,
            by=by,
            confidence=confidence,
            front=front,
            most_listed=_most(most),
        )
        document = bounded(_document(ranking), most)
        counts = {"others": ranking.other_count, "left_out": ranking.left_out_count}
        longer = {name: count for name, count in counts.items() if count > len(document[name])}
        return document | ({CUT: document.get(CUT, {}) | longer} if longer else {})

    def best_for_fleet(
        self,
        max_latency_ms: float | None = None,
        max_memory_bytes: int | None = None,
        min_top1: float | None = None,
        *,
        devices: tuple[str, ...] = (),
        shares: dict[str, float] | None = None,
        most: int = MOST_LISTED,
    ) -> dict[str, Any]:
        """Say which one backbone is best for all devices, and what each device loses by it.

        `devices` are names, or labels as room=lab; without any, every one. `shares` tells how much
        a device counts on average, as {"phone": 3}, others 1.
        """
        ranking = self._client.best_for_fleet(
            *devices,
            shares=shares,
            max_latency_ms=max_latency_ms,
            max_memory_bytes=max_memory_bytes,
            min_top1=min_top1,
        )
        return bounded(_document(ranking), most)

    def why(
        self,
        backbone: str,
        device: str | None = None,
        *,
        max_latency_ms: float | None = None,
        max_memory_bytes: int | None = None,
        min_top1: float | None = None,
        most: int = MOST_LISTED,
    ) -> dict[str, Any]:
        """Say what beats a backbone, on what and by how much, and what it would need.

        Without `device`, on each that measured it.
        """
        told = self._client.why(
            backbone,
            device=device,
            max_latency_ms=max_latency_ms,
            max_memory_bytes=max_memory_bytes,
            min_top1=min_top1,
        )
        return bounded(_document(told), most)

    def predict(
        self,
        device: str,
        backbones: tuple[str, ...] = (),
        runtime: Runtime | None = None,
        threads: int | None = None,
        *,
        precision: Precision = Precision.FP32,
        most: int = MOST_LISTED,
    ) -> dict[str, Any]:
        """Predict what backbones that were not measured on a device would be measured at there.

        Without `backbones`, the whole catalog, the fastest first. Each figure has its interval.
        Nothing of it was measured: never tell it as if it were.
        """
        told = self._client.predict(
            device, *backbones, runtime=runtime, threads=threads, precision=precision
        )
        return bounded(_document(told), most)

    def compare(
        self, a: str, b: str, device: str | None = None, most: int = MOST_LISTED
    ) -> dict[str, Any]:
        """Say whether B is faster or slower than A, pair by pair.

        Each is backbone:NAME, a sweep's id or name, runtime:NAME, version:RUNTIME=VERSION,
        build:RUNTIME=TEXT, after:DATE or before:DATE, several joined by commas.
        """
        return bounded(_document(self._client.compare(a, b, device=device)), most)

    def sweeps(self, most: int = MOST_LISTED) -> dict[str, Any]:
        """List sweeps and profiles, the newest first: what was asked for, and how far they are."""
        return bounded({"sweeps": to_document(tuple(self._client.sweeps()))}, most)

    def measurements(
        self,
        device: str | None = None,
        backbone: str | None = None,
        sweep: str | None = None,
        most: int = MOST_LISTED,
    ) -> dict[str, Any]:
        """List the newest measurements without raw samples: figures, verdicts with reasons."""
        found = self._client.measurements(
            # One more tells that there are more.
            device=device,
            backbone=backbone,
            sweep=sweep,
            most=_most(most) + 1,
        )
        return bounded({"measurements": to_document(tuple(found)[::-1])}, most)


def _document(answered: object) -> dict[str, Any]:
    return cast(dict[str, Any], to_document(answered))


def _most(wanted: int) -> int:
    return max(0, min(wanted, MOST_ASKED))


def bounded(document: dict[str, Any], most: int) -> dict[str, Any]:
    """The document with at most so many of each list, and no more than `MOST_ASKED`.

    Where a list is longer, the field `CUT` has its length, or what is known of it, by its place:
    `others`, `settings.predicted`.
    """
    cut: dict[str, int] = {}

    def within(value: Any, place: str) -> Any:
        if isinstance(value, dict):
            return {
                name: within(each, f"{place}.{name}" if place else name)
                for name, each in value.items()
            }
        if not isinstance(value, list):
            return value
        if len(value) > _most(most):
            cut[place] = max(len(value), cut.get(place, 0))
        return [within(each, place) for each in value[: _most(most)]]

    short: dict[str, Any] = within(document, "")
    return short | ({CUT: cut} if cut else {})


def without_empty(document: dict[str, Any]) -> dict[str, Any]:
    """The document without fields that tell nothing; its own lists stay, though empty."""

    def told(value: Any) -> Any:
        if isinstance(value, dict):
            parts = ((name, told(each)) for name, each in value.items())
            return {name: each for name, each in parts if each not in (None, "", [], {})}
        return [told(each) for each in value] if isinstance(value, list) else value

    lists = {name: value for name, value in document.items() if value == []}
    return {**lists, **told(document)}


def _in_thread(
    tool: Callable[AskedP, dict[str, Any]],
) -> Callable[AskedP, Coroutine[Any, Any, str]]:
    """A tool that lets others go on meanwhile, and says as one sentence what went wrong."""

    @wraps(tool)
    async def asked(*args: AskedP.args, **kwargs: AskedP.kwargs) -> str:
        try:
            answer = await anyio.to_thread.run_sync(lambda: tool(*args, **kwargs))
        except EdgerankError as error:
            raise ToolError(str(error)) from error
        # Whoever asks pays for each character.
        return json.dumps(without_empty(answer), ensure_ascii=False, separators=(",", ":"))

    return asked
