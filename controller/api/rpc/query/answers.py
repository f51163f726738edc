"""Messages of answers that are given again: made once while the answer is remembered."""

from typing import Final, TypeVar

from google.protobuf.message import Message

from controller.api.queries.remembering import Remembered
from protos.codec import to_message

MessageT = TypeVar("MessageT", bound=Message)

_MOST_BYTES: Final = 64_000_000


class AnswerMessages:
    """Makes messages of answers that nothing changes; for several threads."""

    def __init__(self) -> None:
        self._made: Remembered[Message] = Remembered(_MOST_BYTES)

    def message_of(self, answer: object, message_type: type[MessageT]) -> MessageT:
        """The message of an answer: the same one for the same answer, which nobody changes."""
        # Looked up by which object it is. As stamp, it is held: another one never has its id.
        known = self._made.get(id(answer), answer)
        if isinstance(known, message_type):
            return known
        made = to_message(answer, message_type)
        self._made.put(id(answer), answer, made, weight=made.ByteSize())
        return made
