"""Whether a file can be written at the end, looked at before the work."""

from pathlib import Path

from controller.domain.errors import EdgerankError, ErrorCode


def check_output(path: Path, remedy: str) -> None:
    """Refuse a path that cannot be written, without a change to it or to its folder.

    Args:
        path: where a command is going to write.
        remedy: what to do else: "name another with --output".

    Raises:
        EdgerankError: INVALID_INPUT, with what is in the way.
    """
    if not path.parent.is_dir():
        raise EdgerankError(
            ErrorCode.INVALID_INPUT,
            f"cannot write {path}: there is no folder {path.parent}; make it first, or {remedy}",
        )
    # Opening a pipe would wait for its reader.
    if path.exists() and not (path.is_file() or path.is_dir()):
        return
    is_new = not path.exists()
    try:
        with path.open("ab"):
            pass
        if is_new:
            path.unlink()
    except OSError as error:
        raise EdgerankError(
            ErrorCode.INVALID_INPUT, f"cannot write {path}: {error.strerror}; {remedy}"
        ) from error
