"""Networks are built for the size that is asked for, where they take one."""

from __future__ import annotations

import pytest

from models.steps.paddle import architectures


def test_only_the_error_that_names_the_size_says_that_a_network_takes_none(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def takes_none() -> None:
        """Stand for the factory of a network of any size."""

    def is_broken(img_size: int) -> int:
        return len(img_size)  # type: ignore[arg-type]

    monkeypatch.setattr(architectures, "_factory", lambda *_: takes_none)
    assert architectures.build_for_size("any", 256) is None
    monkeypatch.setattr(architectures, "_factory", lambda *_: is_broken)
    with pytest.raises(TypeError, match="has no len"):
        architectures.build_for_size("any", 256)
