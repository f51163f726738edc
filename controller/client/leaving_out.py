"""Tells what answers leave out, since the controller cannot read it."""

import logging
from collections.abc import Callable, Iterator
from typing import Any

import grpc

from controller.api.statuses import LEFT_OUT_KEY

log = logging.getLogger(__name__)


class LeftOutTeller(grpc.UnaryUnaryClientInterceptor, grpc.UnaryStreamClientInterceptor):
    """Says each sentence once, of whatever call it came with."""

    def __init__(self) -> None:
        self._said: set[str] = set()

    def intercept_unary_unary(
        self, continuation: Callable[..., Any], client_call_details: Any, request: Any
    ) -> Any:
        """Looks behind an answer."""
        call = continuation(client_call_details, request)
        self._tell(call)
        return call

    def intercept_unary_stream(
        self, continuation: Callable[..., Any], client_call_details: Any, request: Any
    ) -> Any:
        """Looks behind the last one of several answers."""
        return self._answers(continuation(client_call_details, request))

    def _answers(self, call: Any) -> Iterator[Any]:
        yield from call
        self._tell(call)

    def _tell(self, call: grpc.Call) -> None:
        for key, told in call.trailing_metadata() or ():
            if key != LEFT_OUT_KEY or not isinstance(told, bytes):
                continue
            sentence = told.decode(errors="replace")
            if sentence not in self._said:
                self._said.add(sentence)
                log.warning("%s", sentence)
