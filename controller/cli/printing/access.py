"""Tokens and the log of changes on the terminal."""

from collections.abc import Mapping, Sequence

from rich.console import Console
from rich.text import Text

from controller.cli.printing.ledger import Column, Ledger
from controller.domain.access import AccessState, AuditEntry, JoinTokenState
from controller.views.counting import minute


def print_join_tokens(console: Console, tokens: Sequence[JoinTokenState]) -> None:
    """Print the tokens by which devices may still join."""
    if not tokens:
        console.print(Text("no device may join; 'edgerank token create' makes a token"))
        return
    table = Ledger(
        "token",
        Column("until, UTC"),
        Column("uses left", is_right=True),
        Column("for"),
        Column("labels"),
    )
    for token in tokens:
        table.add_row(
            Text(token.token_id),
            minute(token.expires_at_unix_ms),
            f"{token.uses_left:,}",
            token.device or "new devices",
            _labels(token.labels),
        )
    console.print(table)


def print_access(console: Console, tokens: Sequence[AccessState]) -> None:
    """Print the tokens of people and programs."""
    if not tokens:
        console.print(Text("no tokens; 'edgerank access create NAME' makes one"))
        return
    table = Ledger("token", Column("scopes"), Column("made, UTC"), Column("last used, UTC"))
    for token in tokens:
        last = token.last_used_at_unix_ms
        table.add_row(
            Text(token.name),
            ", ".join(scope.value for scope in token.scopes),
            minute(token.created_at_unix_ms),
            "never" if last is None else minute(last),
        )
    console.print(table)


def print_audit(console: Console, entries: Sequence[AuditEntry]) -> None:
    """Print what was changed, a line each."""
    if not entries:
        console.print(Text("nothing was changed"))
        return
    table = Ledger("when, UTC", Column("who"), Column("call"), Column("what"))
    for entry in entries:
        table.add_row(
            Text(minute(entry.at_unix_ms)),
            " ".join(filter(None, (entry.caller.value, entry.caller_name))),
            entry.action,
            "refused" if entry.was_refused else _printable(entry.subject),
        )
    console.print(table)


def _labels(labels: Mapping[str, str]) -> str:
    return ", ".join(f"{key}={value}" for key, value in labels.items())


def _printable(text: str) -> str:
    return text if text.isprintable() else ascii(text)
