"""The tokens of people and programs."""

from sqlalchemy import RowMapping, delete, insert, or_, select, update
from sqlalchemy.exc import IntegrityError

from controller.domain.access import AccessSpec, AccessState
from controller.domain.errors import EdgerankError, ErrorCode
from controller.state.access.schema import access_tokens
from controller.state.database import Database

# Not every call of a busy program is a write.
_USE_COUNTS_AFTER_MS = 60_000


def add_access(database: Database, spec: AccessSpec, secret_sha256: str, now_unix_ms: int) -> None:
    """Remembers a token.

    Raises:
        EdgerankError: NAME_TAKEN when another one has the name.
    """
    try:
        with database.transaction() as transaction:
            transaction.execute(
                insert(access_tokens).values(
                    name=spec.name,
                    secret_sha256=secret_sha256,
                    scopes=spec.scopes,
                    created_at_unix_ms=now_unix_ms,
                )
            )
    except IntegrityError as error:
        raise EdgerankError(
            ErrorCode.NAME_TAKEN,
            f"another token is already named {spec.name!r}; give this one another, or revoke that",
        ) from error


def list_access(database: Database) -> tuple[AccessState, ...]:
    """Every token, by name."""
    with database.transaction() as transaction:
        rows = transaction.execute(select(access_tokens).order_by(access_tokens.c.name)).mappings()
        return tuple(map(_state, rows))


def use_access(database: Database, secret_sha256: str, now_unix_ms: int) -> AccessState | None:
    """The token with a secret of this digest, which was used now; None when there is none."""
    with_it = access_tokens.c.secret_sha256 == secret_sha256
    last = access_tokens.c.last_used_at_unix_ms
    with database.transaction() as transaction:
        row = transaction.execute(select(access_tokens).where(with_it)).mappings().one_or_none()
        if row is None:
            return None
        before = row["last_used_at_unix_ms"]
        if before is None or abs(now_unix_ms - before) >= _USE_COUNTS_AFTER_MS:
            transaction.execute(
                update(access_tokens)
                .where(with_it, or_(last.is_(None), last == before))
                .values(last_used_at_unix_ms=now_unix_ms)
            )
    return _state(row)


def forget_access(database: Database, name: str) -> bool:
    """Ends a token; False when there is none of this name."""
    with database.transaction() as transaction:
        gone = transaction.execute(delete(access_tokens).where(access_tokens.c.name == name))
    return gone.rowcount > 0


def forget_all_access(database: Database) -> None:
    """Ends every token."""
    with database.transaction() as transaction:
        transaction.execute(delete(access_tokens))


def _state(row: RowMapping) -> AccessState:
    return AccessState(
        name=row["name"],
        scopes=row["scopes"],
        created_at_unix_ms=row["created_at_unix_ms"],
        last_used_at_unix_ms=row["last_used_at_unix_ms"],
    )
