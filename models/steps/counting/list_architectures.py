"""Step: list the architectures that PaddleClas exports."""

from __future__ import annotations

import paddle  # noqa: F401 - read before the process is confined, as every step's libraries are

from models.processes.counting_requests import ListArchitecturesAnswer, ListArchitecturesRequest
from models.steps.paddle import architectures


def run(_request: ListArchitecturesRequest) -> ListArchitecturesAnswer:
    """List; see `architectures.source_modules`."""
    return ListArchitecturesAnswer(architectures.source_modules())
