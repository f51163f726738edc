"""Answers that are given again while what they were made of is still so."""

import threading
from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import dataclass
from typing import Generic, TypeVar

ValueT = TypeVar("ValueT")


@dataclass(frozen=True, slots=True)
class _Kept(Generic[ValueT]):
    stamp: Hashable
    value: ValueT
    weight: int


class Remembered(Generic[ValueT]):
    """What was made last of what was asked last, up to a weight together; for several threads."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._weight = 0
        self._kept: OrderedDict[Hashable, _Kept[ValueT]] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: Hashable, stamp: Hashable) -> ValueT | None:
        """What was made under this key of the state that the stamp is of; else None."""
        with self._lock:
            kept = self._kept.get(key)
            if kept is None or kept.stamp != stamp:
                return None
            self._kept.move_to_end(key)
            return kept.value

    def put(self, key: Hashable, stamp: Hashable, value: ValueT, weight: int = 1) -> None:
        """Keeps a value, and forgets those that were asked for the longest ago."""
        with self._lock:
            self._forget(key)
            self._kept[key] = _Kept(stamp, value, weight)
            self._weight += weight
            while self._weight > self._most:
                self._forget(next(iter(self._kept)))

    def _forget(self, key: Hashable) -> None:
        before = self._kept.pop(key, None)
        self._weight -= 0 if before is None else before.weight
