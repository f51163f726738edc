"""`from controller.client import Client`: what people ask in notebooks and scripts."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Mapping
from dataclasses import fields, replace
from itertools import islice
from types import TracebackType
from typing import Any, Final, TypeVar

from controller.client.logins import find_login
from controller.client.presenting import login_by_token
from controller.client.queries import QueryClient
from controller.client.tables import Table
from controller.domain.comparisons import CompareQuestion, Comparison, Limits
from controller.domain.devices import Device
from controller.domain.errors import EdgerankError, ErrorCode
from controller.domain.measurements import Measurement, MeasurementFilter
from controller.domain.rankings import Candidate, Constraints, Ranking
from controller.domain.rankings.explanations import ExplainQuestion, Explanations
from controller.domain.rankings.fleet import FleetQuestion, FleetRanking
from controller.domain.rankings.predicted import DevicePredictions, PredictQuestion
from controller.domain.selectors import parse_selector
from controller.domain.sweeps import SweepSummary
from models.catalog.catalog import IMAGENET, Backbone
from models.catalog.precisions import Precision
from protos.names import brief
from protos.runtimes import Runtime

USUAL_ADDRESS: Final = "127.0.0.1:7700"

ClientT = TypeVar("ClientT", bound="Client")
AskedT = TypeVar("AskedT", Constraints, FleetQuestion, Limits, PredictQuestion)

_MOST: Final = 2**32 - 1


class Client:
    """A connection to one controller; a context manager, or closed by `close`.

    It blocks, and needs no event loop of its own: it works in a notebook, whose loop runs already.
    Every call raises EdgerankError, whose message is one sentence and whose `code` is its kind:
    UNREACHABLE when nobody answers, otherwise what the controller said.
    """

    def __init__(self, address: str | None = None, *, token: str | None = None) -> None:
        """Connects.

        Args:
            address: HOST:PORT of the controller; None is that of EDGERANK_CONTROLLER, else the
                usual one on this machine.
            token: as 'edgerank access create' printed it; None is what 'edgerank login' kept.

        Raises:
            EdgerankError: UNREACHABLE; INVALID_INPUT for what is no token; NOT_ALLOWED for the
                token of another controller.
        """
        meant = address or os.environ.get("EDGERANK_CONTROLLER", USUAL_ADDRESS)
        login = find_login(meant) if token is None else login_by_token(meant, token)
        self._asked = QueryClient(meant, login).__enter__()

    def __enter__(self: ClientT) -> ClientT:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Ends the connection."""
        self._asked.channel.close()

    def devices(self, *, with_removed: bool = False) -> Table[Device]:
        """Every device of the fleet, by name, and those that were removed where asked for."""
        return Table(Device, self._asked.fleet(with_removed=with_removed)[0])

    def backbones(self) -> Table[Backbone]:
        """The catalog, and people's own models behind it."""
        return Table(Backbone, tuple(self._asked.catalog()))

    def sweeps(self) -> Table[SweepSummary]:
        """Every sweep and profile, the newest first."""
        return Table(SweepSummary, self._asked.list_sweeps())

    def measurements(
        self,
        *,
        device: str | None = None,
        sweep: str | None = None,
        backbone: str | None = None,
        with_samples: bool = False,
        accuracy_dataset: str = IMAGENET,
        most: int | None = None,
    ) -> Table[Measurement]:
        """Measurements in the order of their commits, the last of them; None is no restriction.

        Without samples no more than these are asked for.

        Raises:
            EdgerankError: INVALID_INPUT for a `most` that is no count, too.
        """
        if most is not None and (type(most) is not int or not 0 <= most <= _MOST):
            raise EdgerankError(
                ErrorCode.INVALID_INPUT,
                f"most is {brief(most)}; give a whole number from 0 to {_MOST:,}, or None for all",
            )
        wanted = MeasurementFilter(
            device=device,
            sweep_id=sweep,
            backbone=backbone,
            with_samples=with_samples,
            accuracy_dataset=accuracy_dataset,
        )
        if most is None or with_samples:
            found = deque(self._asked.list_measurements(wanted), maxlen=most)
        else:
            found = deque(islice(self._asked.newest_measurements(wanted), most))
            found.reverse()
        return Table(Measurement, tuple(found))

    def best(
        self,
        device: str,
        *,
        accuracy_dataset: str = IMAGENET,
        most_listed: int | None = None,
        **constraints: Any,
    ) -> Ranking:
        """Which backbone is best on a device.

        Args:
            device: its name.
            accuracy_dataset: whose accuracy counts.
            most_listed: so many of the others are told, and of what is left out; None is all.
            constraints: those of `controller.domain.rankings.Constraints`, as in max_latency_ms=20
                or tier="mobile".

        Raises:
            EdgerankError: INVALID_INPUT for a constraint that there is not, or that cannot be so.
        """
        return self._asked.rank(
            device, _asked(Constraints, constraints), accuracy_dataset, most_listed=most_listed
        )

    def why(
        self,
        backbone: str,
        *,
        device: str | None = None,
        accuracy_dataset: str = IMAGENET,
        **constraints: Any,
    ) -> Explanations:
        """What beats a backbone, and what it would need; without a device, on each that has it.

        The constraints are those of `best`.
        """
        question = ExplainQuestion(
            backbone=backbone,
            device=device,
            constraints=_asked(Constraints, constraints),
            accuracy_dataset=accuracy_dataset,
        )
        return self._asked.explain(question)

    def predict(
        self,
        device: str,
        *backbones: str,
        runtime: Runtime | str | None = None,
        threads: int | None = None,
        precision: Precision | str = Precision.FP32,
    ) -> DevicePredictions:
        """What backbones, or all, would be measured at on a device where they were not."""
        meant = {"device": device, "backbones": backbones, "precision": precision}
        where = {"runtime": runtime, "threads": threads}
        return self._asked.predict(_asked(PredictQuestion, {**meant, **where}))

    def pareto(
        self, device: str, *, accuracy_dataset: str = IMAGENET, **constraints: Any
    ) -> Table[Candidate]:
        """What no other beats in both top-1 and median latency, fastest first; see `best`."""
        ranking = self.best(device, accuracy_dataset=accuracy_dataset, **constraints)
        return Table(Candidate, ranking.pareto_front)

    def best_for_fleet(
        self,
        *devices: str,
        shares: Mapping[str, float] | None = None,
        accuracy_dataset: str = IMAGENET,
        **constraints: Any,
    ) -> FleetRanking:
        """What is best on each of many devices, and for all; without any, every device.

        `shares` tells how much a device counts on average, as {"phone": 3}; all others count 1.
        """
        meant = {"devices": devices, "shares": {} if shares is None else shares}
        question = _asked(FleetQuestion, {**meant, "accuracy_dataset": accuracy_dataset})
        return self._asked.rank_fleet(
            replace(question, constraints=_asked(Constraints, constraints))
        )

    def compare(self, a: str, b: str, *, device: str | None = None, **limits: Any) -> Comparison:
        """Whether B is faster or slower than A, each in the terms of 'edgerank compare'.

        Args:
            a: what is compared with, as in "runtime:onnxruntime" or a sweep's name.
            b: what is judged.
            device: only measurements of this one.
            limits: those of `controller.domain.comparisons.Limits`.

        Raises:
            EdgerankError: INVALID_INPUT for terms or limits that there are not, too.
        """
        for name, side in {"a": a, "b": b}.items():
            if not isinstance(side, str):
                raise EdgerankError(
                    ErrorCode.INVALID_INPUT,
                    f"{name} is {brief(side)}; write terms, as backbone:NAME",
                )
        question = CompareQuestion(
            a=parse_selector(a), b=parse_selector(b), device=device, limits=_asked(Limits, limits)
        )
        return self._asked.compare(question)


def _asked(kind: type[AskedT], given: dict[str, Any]) -> AskedT:
    """What is asked, of the words and numbers that a notebook has: "mobile" is `Tier.MOBILE`.

    Raises:
        EdgerankError: INVALID_INPUT for what there is not, and for what is no value of it.
    """
    # Reading the library takes longer than the rest of what a command asks with.
    from pydantic import TypeAdapter, ValidationError  # noqa: PLC0415

    known = [each.name for each in fields(kind)]
    for name in given:
        if name not in known:
            raise EdgerankError(
                ErrorCode.INVALID_INPUT,
                f"{name!r} is not among what can be asked for: {', '.join(known)}",
            )
    try:
        found = TypeAdapter(kind).validate_python(given)
    except ValidationError as error:
        wrong = error.errors()[0]
        where = ".".join(map(str, wrong["loc"]))
        raise EdgerankError(
            ErrorCode.INVALID_INPUT, f"{where} is {brief(wrong['input'])}: {wrong['msg']}"
        ) from error
    for name, value in given.items():
        if _counts_a_bool(value, getattr(found, name)):
            raise EdgerankError(
                ErrorCode.INVALID_INPUT, f"{name} is {brief(value)}: Input should be a number"
            )
    return found


def _counts_a_bool(given: object, found: object) -> bool:
    """Whether yes or no was read as 1 or 0, which nobody means."""
    if isinstance(given, Mapping) and isinstance(found, Mapping):
        return any(_counts_a_bool(value, found.get(name)) for name, value in given.items())
    return isinstance(given, bool) and not isinstance(found, bool)
