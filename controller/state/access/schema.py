"""The tables of members, tokens and the log of changes. No secret is in them, only digests."""

from sqlalchemy import JSON, BigInteger, Boolean, Column, Integer, String, Table, false

from controller.domain.access import CallerKind, Scope
from controller.state.schema import metadata
from controller.state.schema.columns import Document, Member

join_tokens = Table(
    "join_tokens",
    metadata,
    Column("token_id", String, primary_key=True),
    Column("secret_sha256", String, nullable=False, unique=True),
    Column("created_at_unix_ms", BigInteger, nullable=False),
    Column("expires_at_unix_ms", BigInteger, nullable=False),
    Column("uses_left", Integer, nullable=False),
    Column("labels", JSON, nullable=False),
    # The device whose history goes on.
    Column("device_id", String),
)

# Devices that joined by a token; each of their connections shows a certificate.
members = Table(
    "members",
    metadata,
    Column("device_id", String, primary_key=True),
    # Those of the token.
    Column("labels", JSON, nullable=False),
    Column("joined_at_unix_ms", BigInteger, nullable=False),
    Column("is_revoked", Boolean, nullable=False, server_default=false()),
)

# Those that were revoked are gone, so that what is not here is not taken.
certificates = Table(
    "certificates",
    metadata,
    Column("serial", String, primary_key=True),
    Column("device_id", String, nullable=False, index=True),
    Column("issued_at_unix_ms", BigInteger, nullable=False),
    Column("expires_at_unix_ms", BigInteger, nullable=False),
)

access_tokens = Table(
    "access_tokens",
    metadata,
    Column("name", String, primary_key=True),
    Column("secret_sha256", String, nullable=False, unique=True),
    Column("scopes", Document(tuple[Scope, ...]), nullable=False),
    Column("created_at_unix_ms", BigInteger, nullable=False),
    Column("last_used_at_unix_ms", BigInteger),
)

audit_entries = Table(
    "audit_entries",
    metadata,
    Column("entry_id", Integer, primary_key=True),
    Column("at_unix_ms", BigInteger, nullable=False),
    Column("caller", Member(CallerKind), nullable=False),
    Column("caller_name", String, nullable=False),
    Column("action", String, nullable=False),
    Column("subject", String, nullable=False, index=True),
    Column("was_refused", Boolean, nullable=False, server_default=false()),
)
