"""How long reports wait until the controller has them, for whoever follows traces."""

import time

from protos.fleet import Lease
from protos.traces import Span, Spans


class Reporting:
    """Tells a span of each report: from when its attempt ended until the controller has it.

    Attributes:
        spans: who is told.
    """

    def __init__(self, spans: Spans) -> None:
        self.spans = spans
        # By attempt; those of another run of the agent have none.
        self._since: dict[str, tuple[int, str]] = {}

    def begun(self, lease: Lease) -> None:
        """An attempt has ended, and is to be reported."""
        if lease.trace_context:
            self._since[lease.attempt_id] = time.time_ns(), lease.trace_context

    def ended(self, attempt_id: str, why: str = "") -> None:
        """The controller has its report, or refuses it for a reason."""
        since = self._since.pop(attempt_id, None)
        if since is not None:
            begin_ns, within = since
            self.spans.tell(
                Span(
                    name="report",
                    begin_ns=begin_ns,
                    end_ns=time.time_ns(),
                    within=within,
                    failure=why,
                )
            )
