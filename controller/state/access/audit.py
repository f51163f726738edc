"""The log of changes."""

from sqlalchemy import delete, exists, insert, select

from controller.domain.access import AuditEntry
from controller.state.access.schema import audit_entries
from controller.state.database import Database

# About 20 MB.
MAX_ENTRIES = 100_000


def record_change(database: Database, entry: AuditEntry) -> None:
    """Remembers a change, and forgets the oldest beyond `MAX_ENTRIES`."""
    with database.transaction() as transaction:
        [entry_id] = transaction.execute(
            insert(audit_entries).values(vars(entry))
        ).inserted_primary_key or (0,)
        transaction.execute(
            delete(audit_entries).where(audit_entries.c.entry_id <= entry_id - MAX_ENTRIES)
        )


def record_once(database: Database, entry: AuditEntry) -> None:
    """As `record_change`, unless the same was done to the same before: it is known already."""
    is_known = exists().where(
        audit_entries.c.subject == entry.subject,
        audit_entries.c.action == entry.action,
        audit_entries.c.was_refused == entry.was_refused,
    )
    with database.as_one() as whole:
        with whole.transaction() as transaction:
            known = transaction.scalars(select(is_known)).one()
        if not known:
            record_change(whole, entry)


def list_changes(database: Database, count: int) -> tuple[AuditEntry, ...]:
    """At most so many changes, the newest first."""
    newest = select(audit_entries).order_by(audit_entries.c.entry_id.desc()).limit(count)
    with database.transaction() as transaction:
        return tuple(
            AuditEntry(
                at_unix_ms=row["at_unix_ms"],
                caller=row["caller"],
                caller_name=row["caller_name"],
                action=row["action"],
                subject=row["subject"],
                was_refused=row["was_refused"],
            )
            for row in transaction.execute(newest).mappings()
        )
