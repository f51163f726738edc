"""Repetitions take turns: one lease each, and a sentinel between them.

Revision: 0005, after 0004.
"""

import json
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_KEPT = (
    "ordinal",
    "latency_ns",
    "warmup_ns",
    "load_ns",
    "peak_rss_bytes",
    "baseline_rss_bytes",
    "pss_bytes",
    "busy_threads",
    "stop_reason",
    "before",
    "after",
    "during",
    "memory",
)
_INTO = ", ".join(f'"{name}"' for name in _KEPT)
_FROM = ", ".join(f'r."{name}"' for name in _KEPT)


def _sample_columns() -> list[sa.Column[Any]]:
    return [
        sa.Column("latency_ns", sa.LargeBinary(), nullable=False),
        sa.Column("warmup_ns", sa.LargeBinary(), nullable=False),
        sa.Column("load_ns", sa.BigInteger(), nullable=False),
        sa.Column("peak_rss_bytes", sa.BigInteger(), nullable=False),
        sa.Column("baseline_rss_bytes", sa.BigInteger(), nullable=False),
        sa.Column("pss_bytes", sa.BigInteger(), nullable=True),
        sa.Column("busy_threads", sa.Integer(), nullable=False),
        sa.Column("stop_reason", sa.String(), nullable=False),
        sa.Column("before", sa.JSON(), nullable=True),
        sa.Column("after", sa.JSON(), nullable=True),
        sa.Column("during", sa.JSON(), nullable=True),
        sa.Column("memory", sa.JSON(), nullable=True),
    ]


def upgrade() -> None:
    """Applies the change."""
    op.create_table(
        "turns",
        sa.Column("job_id", sa.String(), nullable=False),
        sa.Column("ordinal", sa.Integer(), nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("block", sa.Integer(), nullable=True),
        sa.Column("low_ms", sa.Float(), nullable=True),
        sa.Column("high_ms", sa.Float(), nullable=True),
        sa.ForeignKeyConstraint(["job_id"], ["jobs.job_id"], name=op.f("fk_turns_job_id")),
        sa.PrimaryKeyConstraint("job_id", "ordinal", name=op.f("pk_turns")),
    )
    op.create_index("ix_turns_state_place", "turns", ["state", "place"])
    with op.batch_alter_table("jobs", schema=None) as batch_op:
        batch_op.add_column(
            sa.Column("is_sentinel", sa.Boolean(), server_default=sa.false(), nullable=False)
        )
    with op.batch_alter_table("attempts", schema=None) as batch_op:
        batch_op.add_column(sa.Column("ordinal", sa.Integer(), server_default="0", nullable=False))
    # Before the tables that it referred to are made anew.
    _key_repetitions_by_job()
    with op.batch_alter_table("measurements", schema=None) as batch_op:
        batch_op.drop_constraint("uq_measurements_attempt_id", type_="unique")
        batch_op.drop_constraint("fk_measurements_attempt_id", type_="foreignkey")
        batch_op.drop_column("attempt_id")
    _begin_open_jobs_anew()


def _key_repetitions_by_job() -> None:
    op.rename_table("repetitions", "repetitions_before")
    op.create_table(
        "repetitions",
        sa.Column("job_id", sa.String(), nullable=False),
        sa.Column("ordinal", sa.Integer(), nullable=False),
        sa.Column("runtime_version", sa.String(), nullable=False),
        sa.Column("runtime_build", sa.String(), nullable=False),
        sa.Column("affinity", sa.JSON(), nullable=False),
        sa.Column("taken_at_unix_ms", sa.BigInteger(), nullable=False),
        sa.Column("is_suspect", sa.Boolean(), server_default=sa.false(), nullable=False),
        *_sample_columns(),
        sa.ForeignKeyConstraint(["job_id"], ["jobs.job_id"], name=op.f("fk_repetitions_job_id")),
        sa.PrimaryKeyConstraint("job_id", "ordinal", name=op.f("pk_repetitions")),
    )
    op.execute(
        "INSERT INTO repetitions (job_id, runtime_version, runtime_build, affinity, "
        f"taken_at_unix_ms, {_INTO}) SELECT m.job_id, m.runtime_version, m.runtime_build, "
        f"m.affinity, m.measured_at_unix_ms, {_FROM} FROM repetitions_before AS r "
        "JOIN measurements AS m ON m.measurement_id = r.measurement_id"
    )
    op.drop_table("repetitions_before")


def _begin_open_jobs_anew() -> None:
    """Jobs that have not ended get turns; attempts that are out could not be told to which."""
    op.execute("UPDATE attempts SET state = 'lost' WHERE state = 'leased'")
    # No turn's: those that were lost do not count against one, and a late report answers none.
    op.execute("UPDATE attempts SET ordinal = -1")
    op.execute("UPDATE jobs SET state = 'queued' WHERE state = 'leased'")
    connection = op.get_bind()
    rows = connection.execute(
        sa.text("SELECT job_id, position, settings FROM jobs WHERE state IN ('waiting', 'queued')")
    ).all()
    for job_id, position, settings in rows:
        count = json.loads(settings)["repetitions"]
        for ordinal in range(count):
            connection.execute(
                sa.text(
                    "INSERT INTO turns VALUES (:job, :ordinal, :place, 'queued', NULL, NULL, NULL)"
                ),
                {"job": job_id, "ordinal": ordinal, "place": position * count + ordinal},
            )


def downgrade() -> None:
    """Takes the change back; open jobs are measured as a whole again."""
    with op.batch_alter_table("measurements", schema=None) as batch_op:
        batch_op.add_column(sa.Column("attempt_id", sa.String(), nullable=True))
        batch_op.create_foreign_key(
            "fk_measurements_attempt_id", "attempts", ["attempt_id"], ["attempt_id"]
        )
        batch_op.create_unique_constraint("uq_measurements_attempt_id", ["attempt_id"])
    op.rename_table("repetitions", "repetitions_after")
    op.create_table(
        "repetitions",
        sa.Column("measurement_id", sa.String(), nullable=False),
        sa.Column("ordinal", sa.Integer(), nullable=False),
        *_sample_columns(),
        sa.ForeignKeyConstraint(
            ["measurement_id"],
            ["measurements.measurement_id"],
            name=op.f("fk_repetitions_measurement_id"),
        ),
        sa.PrimaryKeyConstraint("measurement_id", "ordinal", name=op.f("pk_repetitions")),
    )
    op.execute(
        f"INSERT INTO repetitions (measurement_id, {_INTO}) SELECT m.measurement_id, {_FROM} "
        "FROM repetitions_after AS r JOIN measurements AS m ON m.job_id = r.job_id"
    )
    op.drop_table("repetitions_after")
    with op.batch_alter_table("attempts", schema=None) as batch_op:
        batch_op.drop_column("ordinal")
    with op.batch_alter_table("jobs", schema=None) as batch_op:
        batch_op.drop_column("is_sentinel")
    op.drop_table("turns")
