"""Where the kernel cannot hold whoever reads a stranger's file, none is read, and it is said."""

import landlockpy
import pytest

from models.conversion.own_inspection import NotConfinable, check_confinable


def test_without_landlock_no_model_of_people_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    check_confinable()
    monkeypatch.setattr(landlockpy, "abi_version", lambda: 0)
    with pytest.raises(NotConfinable, match=r"\(files\).*Linux 5.13 or newer with Landlock"):
        check_confinable()
