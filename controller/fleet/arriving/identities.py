"""Whether two agents run with one identity, as with a state folder that was copied."""

from collections import defaultdict, deque

from controller.domain.errors import EdgerankError, ErrorCode

_REMEMBERED = 8


class Identities:
    """Which runs of its agent each device had before the one that is connected.

    A run that takes another's place is an agent that was started again, and one that comes back
    after its place was taken proves that both live.
    """

    def __init__(self) -> None:
        self._replaced: defaultdict[str, deque[str]] = defaultdict(
            lambda: deque(maxlen=_REMEMBERED)
        )

    def check(self, device_id: str, run_id: str, connected_run_id: str) -> None:
        """Refuse a run that comes while another is connected that had taken its place.

        Args:
            device_id: of both.
            run_id: of the one that comes; empty where an agent does not say.
            connected_run_id: of the one that is there.

        Raises:
            EdgerankError: NOT_ALLOWED when both live.
        """
        if not run_id or run_id == connected_run_id:
            return
        if run_id in self._replaced.get(device_id, ()):
            raise EdgerankError(
                ErrorCode.NOT_ALLOWED,
                f"two agents run with the identity {device_id}, as with a state folder that was "
                "copied: stop one, and start it with a state folder of its own, so that it becomes "
                "a device of its own; where devices join by tokens, with one of 'edgerank token "
                "create', too",
            )

    def take_place(self, device_id: str, run_id: str, connected_run_id: str) -> None:
        """Note that a run takes the place of the one that is connected; as `check` wants it."""
        if run_id and run_id != connected_run_id:
            self._replaced[device_id].append(connected_run_id)
