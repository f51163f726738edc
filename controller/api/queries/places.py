"""Places in a ranking as text, which who asks page after page keeps and need not understand."""

from typing import Any, Final, Generic, TypeVar

from pydantic import ConfigDict, TypeAdapter, ValidationError

from controller.domain.errors import EdgerankError, ErrorCode
from controller.domain.rankings.pages import LeftOutPlace, OtherPlace

PlaceT = TypeVar("PlaceT", OtherPlace, LeftOutPlace)


class Places(Generic[PlaceT]):
    """Places of one kind."""

    def __init__(self, kind: Any) -> None:
        """`kind` is the type of a place."""
        config = ConfigDict(strict=True, allow_inf_nan=False)
        self._adapter: TypeAdapter[PlaceT] = TypeAdapter(kind, config=config)

    def written(self, place: PlaceT | None) -> str | None:
        """A place as text."""
        return None if place is None else self._adapter.dump_json(place).decode()

    def read(self, text: str | None) -> PlaceT | None:
        """The place that a text tells of.

        Raises:
            EdgerankError: INVALID_INPUT for one that tells of none.
        """
        if text is None:
            return None
        try:
            return self._adapter.validate_json(text)
        except ValidationError as error:
            raise EdgerankError(
                ErrorCode.INVALID_INPUT,
                "a page of this ranking cannot be behind that; ask for the first page again",
            ) from error


OTHERS: Final[Places[OtherPlace]] = Places(OtherPlace)
LEFT_OUT: Final[Places[LeftOutPlace]] = Places(LeftOutPlace)
