"""Profiles by operator, beside measurements.

Revision: 0008, after 0007.
"""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Applies the change."""
    op.create_table(
        "profiles",
        sa.Column("job_id", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False, server_default=""),
        sa.Column("runtime_version", sa.String(), nullable=True),
        sa.Column("runtime_build", sa.String(), nullable=True),
        sa.Column("affinity", sa.JSON(), nullable=True),
        sa.Column("times", sa.JSON(), nullable=True),
        sa.Column("trace_gzip", sa.LargeBinary(), nullable=True),
        sa.Column("profiled_at_unix_ms", sa.BigInteger(), nullable=True),
        sa.Column("committed_at_unix_ms", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["job_id"], ["jobs.job_id"], name=op.f("fk_profiles_job_id")),
        sa.PrimaryKeyConstraint("job_id", name=op.f("pk_profiles")),
    )


def downgrade() -> None:
    """Takes the change back."""
    op.drop_table("profiles")
