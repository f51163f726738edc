"""What the sentences of all reasons are written with."""

from collections.abc import Callable, Mapping
from typing import TypeAlias

from protos.reasons import ReasonCode

Writer: TypeAlias = Callable[[Mapping[str, float], Mapping[str, str]], str]
"""Writes one clause, without a full stop, of a reason's figures and words."""

Writers: TypeAlias = Mapping[ReasonCode, Writer]
