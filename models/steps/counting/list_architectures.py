"""Step: list the architectures that PaddleClas exports."""

from __future__ import annotations

from models.processes.requests import ListArchitecturesAnswer, ListArchitecturesRequest
from models.steps.paddle import architectures


def run(_request: ListArchitecturesRequest) -> ListArchitecturesAnswer:
    """List; see `architectures.source_modules`."""
    return ListArchitecturesAnswer(architectures.source_modules())
