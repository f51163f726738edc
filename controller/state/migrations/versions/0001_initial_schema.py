"""Initial schema.

Revision: 0001, the first.
"""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Applies the change."""
    op.create_table(
        "access_tokens",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("secret_sha256", sa.String(), nullable=False),
        sa.Column("scopes", sa.JSON(), nullable=False),
        sa.Column("created_at_unix_ms", sa.BigInteger(), nullable=False),
        sa.Column("last_used_at_unix_ms", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_access_tokens")),
        sa.UniqueConstraint("secret_sha256", name=op.f("uq_access_tokens_secret_sha256")),
    )
    op.create_table(
        "audit_entries",
        sa.Column("entry_id", sa.Integer(), nullable=False),
        sa.Column("at_unix_ms", sa.BigInteger(), nullable=False),
        sa.Column("caller", sa.String(), nullable=False),
        sa.Column("caller_name", sa.String(), nullable=False),
        sa.Column("action", sa.String(), nullable=False),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("was_refused", sa.Boolean(), server_default=sa.text("0"), nullable=False),
        sa.PrimaryKeyConstraint("entry_id", name=op.f("pk_audit_entries")),
    )
    with op.batch_alter_table("audit_entries", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_audit_entries_subject"), ["subject"], unique=False)

    op.create_table(
        "certificates",
        sa.Column("serial", sa.String(), nullable=False),
        sa.Column("device_id", sa.String(), nullable=False),
        sa.Column("issued_at_unix_ms", sa.BigInteger(), nullable=False),
        sa.Column("expires_at_unix_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("serial", name=op.f("pk_certificates")),
    )
    with op.batch_alter_table("certificates", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_certificates_device_id"), ["device_id"], unique=False)

    op.create_table(
        "join_tokens",
        sa.Column("token_id", sa.String(), nullable=False),
        sa.Column("secret_sha256", sa.String(), nullable=False),
        sa.Column("created_at_unix_ms", sa.BigInteger(), nullable=False),
        sa.Column("expires_at_unix_ms", sa.BigInteger(), nullable=False),
        sa.Column("uses_left", sa.Integer(), nullable=False),
        sa.Column("labels", sa.JSON(), nullable=False),
        sa.Column("device_id", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("token_id", name=op.f("pk_join_tokens")),
        sa.UniqueConstraint("secret_sha256", name=op.f("uq_join_tokens_secret_sha256")),
    )
    op.create_table(
        "members",
        sa.Column("device_id", sa.String(), nullable=False),
        sa.Column("labels", sa.JSON(), nullable=False),
        sa.Column("joined_at_unix_ms", sa.BigInteger(), nullable=False),
        sa.Column("is_revoked", sa.Boolean(), server_default=sa.text("0"), nullable=False),
        sa.PrimaryKeyConstraint("device_id", name=op.f("pk_members")),
    )
    op.create_table(
        "accuracies",
        sa.Column("figure_id", sa.Integer(), nullable=False),
        sa.Column("backbone", sa.String(), nullable=False),
        sa.Column("dataset", sa.String(), nullable=False),
        sa.Column("metric", sa.String(), nullable=False),
        sa.Column("precision", sa.String(), nullable=False),
        sa.Column("input_size", sa.String(), nullable=True),
        sa.Column("model_digest", sa.String(), nullable=False),
        sa.Column("value_percent", sa.Float(), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("imported_at_unix_ms", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("figure_id", name=op.f("pk_accuracies")),
        sa.UniqueConstraint(
            "backbone",
            "dataset",
            "metric",
            "precision",
            "input_size",
            "model_digest",
            name="uq_figures",
        ),
    )
    op.create_table(
        "artifacts",
        sa.Column("conversion_key", sa.String(), nullable=False),
        sa.Column("sha256", sa.String(), nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("backbone", sa.String(), nullable=False),
        sa.Column("format", sa.String(), nullable=False),
        sa.Column("precision", sa.String(), nullable=False),
        sa.Column("target", sa.String(), nullable=False),
        sa.Column("input_size", sa.String(), nullable=False),
        sa.Column("batch", sa.Integer(), nullable=False),
        sa.Column("weights", sa.String(), nullable=False),
        sa.Column("weights_digest", sa.String(), nullable=False),
        sa.Column("weights_source", sa.String(), nullable=False),
        sa.Column("max_relative_difference", sa.Float(), nullable=False),
        sa.Column("parity_tolerance", sa.Float(), nullable=False),
        sa.Column("parity_input_count", sa.Integer(), nullable=False),
        sa.Column("checked_through", sa.String(), nullable=False),
        sa.Column("top1_agreement", sa.Float(), nullable=True),
        sa.Column("passes", sa.JSON(), nullable=False),
        sa.Column("tool_versions", sa.JSON(), nullable=False),
        sa.Column("seconds", sa.Float(), nullable=False),
        sa.Column("created_at_unix_ms", sa.BigInteger(), nullable=False),
        sa.Column("ir_version", sa.Integer(), nullable=True),
        sa.Column("opset", sa.Integer(), nullable=True),
        sa.Column("operators", sa.JSON(), nullable=False),
        sa.Column("reference_sha256", sa.String(), nullable=True),
        sa.Column("reference_size_bytes", sa.BigInteger(), nullable=True),
        sa.Column("output_tolerance", sa.Float(), nullable=True),
        sa.PrimaryKeyConstraint("conversion_key", name=op.f("pk_artifacts")),
    )
    with op.batch_alter_table("artifacts", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_artifacts_created_at_unix_ms"), ["created_at_unix_ms"], unique=False
        )
        batch_op.create_index(
            batch_op.f("ix_artifacts_reference_sha256"), ["reference_sha256"], unique=False
        )
        batch_op.create_index(batch_op.f("ix_artifacts_sha256"), ["sha256"], unique=False)

    op.create_table(
        "backbones",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("series", sa.String(), nullable=False),
        sa.Column("params_m", sa.Float(), nullable=True),
        sa.Column("flops_g", sa.Float(), nullable=True),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_backbones")),
    )
    op.create_table(
        "devices",
        sa.Column("device_id", sa.String(), nullable=False),
        sa.Column("agent_id", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("agent_name", sa.String(), nullable=False),
        sa.Column("labels", sa.JSON(), nullable=False),
        sa.Column("profile", sa.JSON(), nullable=False),
        sa.Column("emulator", sa.String(), nullable=False),
        sa.Column("emulated_by", sa.String(), nullable=True),
        sa.Column("enrolled_at_unix_ms", sa.BigInteger(), nullable=False),
        sa.Column("last_seen_at_unix_ms", sa.BigInteger(), nullable=False),
        sa.Column("removed_at_unix_ms", sa.BigInteger(), nullable=True),
        sa.Column("origin", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("device_id", name=op.f("pk_devices")),
        sa.UniqueConstraint("agent_id", name=op.f("uq_devices_agent_id")),
    )
    with op.batch_alter_table("devices", schema=None) as batch_op:
        batch_op.create_index(
            "uq_devices_name",
            ["name"],
            unique=True,
            sqlite_where=sa.text("removed_at_unix_ms IS NULL"),
            postgresql_where=sa.text("removed_at_unix_ms IS NULL"),
        )

    op.create_table(
        "device_standings",
        sa.Column("device_id", sa.String(), nullable=False),
        sa.Column("condition", sa.String(), nullable=False),
        sa.Column("since_unix_ms", sa.BigInteger(), nullable=True),
        sa.Column("caller", sa.String(), nullable=True),
        sa.Column("caller_name", sa.String(), nullable=False),
        sa.Column("reasons", sa.JSON(), nullable=False),
        sa.Column("unreported", sa.Integer(), nullable=False),
        sa.Column("failing_backbones", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(
            ["device_id"], ["devices.device_id"], name=op.f("fk_device_standings_device_id")
        ),
        sa.PrimaryKeyConstraint("device_id", name=op.f("pk_device_standings")),
    )
    with op.batch_alter_table("device_standings", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_device_standings_condition"), ["condition"], unique=False
        )

    op.create_table(
        "device_events",
        sa.Column("event_id", sa.Integer(), nullable=False),
        sa.Column("device_id", sa.String(), nullable=False),
        sa.Column("at_unix_ms", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("caller", sa.String(), nullable=True),
        sa.Column("caller_name", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("former_name", sa.String(), nullable=False),
        sa.Column("reasons", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(
            ["device_id"], ["devices.device_id"], name=op.f("fk_device_events_device_id")
        ),
        sa.PrimaryKeyConstraint("event_id", name=op.f("pk_device_events")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("device_events", schema=None) as batch_op:
        batch_op.create_index(
            "ix_device_events_device_id_event_id", ["device_id", "event_id"], unique=False
        )

    op.create_table(
        "replaced_agents",
        sa.Column("agent_id", sa.String(), nullable=False),
        sa.Column("device_id", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(
            ["device_id"], ["devices.device_id"], name=op.f("fk_replaced_agents_device_id")
        ),
        sa.PrimaryKeyConstraint("agent_id", name=op.f("pk_replaced_agents")),
    )
    op.create_table(
        "network_counts",
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("counted", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_network_counts")),
    )
    op.create_table(
        "own_models",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("format", sa.String(), nullable=False),
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("takes", sa.JSON(), nullable=False),
        sa.Column("params_m", sa.Float(), nullable=False),
        sa.Column("output_shapes", sa.JSON(), nullable=False),
        sa.Column("added_at_unix_ms", sa.BigInteger(), nullable=False),
        sa.Column("assumed", sa.JSON(), nullable=False),
        sa.Column("ir_version", sa.Integer(), nullable=True),
        sa.Column("opset", sa.Integer(), nullable=True),
        sa.Column("architecture", sa.String(), nullable=True),
        sa.Column("precision", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_own_models")),
    )
    op.create_table(
        "sweeps",
        sa.Column("sweep_id", sa.String(), nullable=False),
        sa.Column("spec", sa.JSON(), nullable=False),
        sa.Column("phase", sa.String(), nullable=False),
        sa.Column("created_at_unix_ms", sa.BigInteger(), nullable=False),
        sa.Column("ended_at_unix_ms", sa.BigInteger(), nullable=True),
        sa.Column("started_by", sa.String(), nullable=False),
        sa.Column("left_out", sa.JSON(), nullable=False),
        sa.Column("retry_of", sa.String(), nullable=True),
        sa.Column("paused_by", sa.String(), nullable=True),
        sa.Column("paused_at_unix_ms", sa.BigInteger(), nullable=True),
        sa.Column("rank", sa.Integer(), nullable=False),
        sa.Column("due_unix_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("sweep_id", name=op.f("pk_sweeps")),
        sa.UniqueConstraint("retry_of", name=op.f("uq_sweeps_retry_of")),
    )
    with op.batch_alter_table("sweeps", schema=None) as batch_op:
        batch_op.create_index(
            "ix_sweeps_urgency",
            [
                "ended_at_unix_ms",
                "rank",
                "started_by",
                "due_unix_ms",
                "created_at_unix_ms",
                "sweep_id",
            ],
            unique=False,
        )

    op.create_table(
        "start_requests",
        sa.Column("request_id", sa.String(), nullable=False),
        sa.Column("sweep_id", sa.String(), nullable=False),
        sa.Column("spec", sa.JSON(), nullable=False),
        sa.Column("profile_runs", sa.Integer(), nullable=True),
        sa.Column("answer", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(
            ["sweep_id"], ["sweeps.sweep_id"], name=op.f("fk_start_requests_sweep_id")
        ),
        sa.PrimaryKeyConstraint("request_id", name=op.f("pk_start_requests")),
    )

    op.create_table(
        "servings",
        sa.Column("device_id", sa.String(), nullable=False),
        sa.Column("person", sa.String(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["device_id"], ["devices.device_id"], name=op.f("fk_servings_device_id")
        ),
        sa.PrimaryKeyConstraint("device_id", "person", name=op.f("pk_servings")),
    )

    op.create_table(
        "sweep_counts",
        sa.Column("sweep_id", sa.String(), nullable=False),
        sa.Column("waiting", sa.Integer(), nullable=False),
        sa.Column("queued", sa.Integer(), nullable=False),
        sa.Column("leased", sa.Integer(), nullable=False),
        sa.Column("done", sa.Integer(), nullable=False),
        sa.Column("failed", sa.Integer(), nullable=False),
        sa.Column("cancelled", sa.Integer(), nullable=False),
        sa.Column("variants", sa.Integer(), nullable=False),
        sa.Column("variants_waiting", sa.Integer(), nullable=False),
        sa.Column("turns", sa.Integer(), nullable=False),
        sa.Column("turns_taken", sa.Integer(), nullable=False),
        sa.Column("jobs_with_figures", sa.Integer(), nullable=False),
        sa.Column("outcomes", sa.Integer(), nullable=False),
        sa.Column("takings", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["sweep_id"], ["sweeps.sweep_id"], name=op.f("fk_sweep_counts_sweep_id")
        ),
        sa.PrimaryKeyConstraint("sweep_id", name=op.f("pk_sweep_counts")),
    )
    op.create_table(
        "jobs",
        sa.Column("job_id", sa.String(), nullable=False),
        sa.Column("sweep_id", sa.String(), nullable=False),
        sa.Column("device_id", sa.String(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("backbone", sa.String(), nullable=False),
        sa.Column("format", sa.String(), nullable=False),
        sa.Column("precision", sa.String(), nullable=False),
        sa.Column("target", sa.String(), nullable=False),
        sa.Column("input_size", sa.String(), nullable=False),
        sa.Column("batch", sa.Integer(), nullable=False),
        sa.Column("settings", sa.JSON(), nullable=False),
        sa.Column("is_sentinel", sa.Boolean(), server_default=sa.text("0"), nullable=False),
        sa.Column("conversion_key", sa.String(), nullable=True),
        sa.Column("state", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(
            ["conversion_key"], ["artifacts.conversion_key"], name=op.f("fk_jobs_conversion_key")
        ),
        sa.ForeignKeyConstraint(
            ["device_id"], ["devices.device_id"], name=op.f("fk_jobs_device_id")
        ),
        sa.ForeignKeyConstraint(["sweep_id"], ["sweeps.sweep_id"], name=op.f("fk_jobs_sweep_id")),
        sa.PrimaryKeyConstraint("job_id", name=op.f("pk_jobs")),
    )
    with op.batch_alter_table("jobs", schema=None) as batch_op:
        batch_op.create_index(
            "ix_jobs_device_id_sweep_id_state", ["device_id", "sweep_id", "state"], unique=False
        )
        batch_op.create_index(
            "ix_jobs_sweep_id_state_backbone", ["sweep_id", "state", "backbone"], unique=False
        )

    op.create_table(
        "attempts",
        sa.Column("attempt_id", sa.String(), nullable=False),
        sa.Column("job_id", sa.String(), nullable=False),
        sa.Column("ordinal", sa.Integer(), nullable=False),
        sa.Column("device_id", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("leased_at_unix_ms", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["device_id"], ["devices.device_id"], name=op.f("fk_attempts_device_id")
        ),
        sa.ForeignKeyConstraint(["job_id"], ["jobs.job_id"], name=op.f("fk_attempts_job_id")),
        sa.PrimaryKeyConstraint("attempt_id", name=op.f("pk_attempts")),
    )
    with op.batch_alter_table("attempts", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_attempts_job_id"), ["job_id"], unique=False)
        batch_op.create_index("ix_attempts_state_device_id", ["state", "device_id"], unique=False)

    op.create_table(
        "candidates",
        sa.Column("candidate_id", sa.Integer(), nullable=False),
        sa.Column("made_of", sa.String(), nullable=False),
        sa.Column("backbone", sa.String(), nullable=False),
        sa.Column("format", sa.String(), nullable=False),
        sa.Column("precision", sa.String(), nullable=False),
        sa.Column("target", sa.String(), nullable=False),
        sa.Column("input_size", sa.String(), nullable=False),
        sa.Column("batch", sa.Integer(), nullable=False),
        sa.Column("settings", sa.JSON(), nullable=False),
        sa.Column("is_sentinel", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("candidate_id", name=op.f("pk_candidates")),
    )
    with op.batch_alter_table("candidates", schema=None) as batch_op:
        batch_op.create_index("ix_candidates_made_of", ["made_of", "backbone"], unique=False)

    op.create_table(
        "measurements",
        sa.Column("measurement_id", sa.String(), nullable=False),
        sa.Column("job_id", sa.String(), nullable=False),
        sa.Column("device_id", sa.String(), nullable=False),
        sa.Column("backbone", sa.String(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("candidate_id", sa.Integer(), nullable=False),
        sa.Column("is_newest", sa.Boolean(), server_default=sa.text("1"), nullable=False),
        sa.Column("sweep_id", sa.String(), nullable=False),
        sa.Column("ordinal", sa.Integer(), nullable=False),
        sa.Column("device_ordinal", sa.Integer(), nullable=False),
        sa.Column("verdict", sa.String(), nullable=False),
        sa.Column("reasons", sa.JSON(), nullable=False),
        sa.Column("runtime_version", sa.String(), nullable=False),
        sa.Column("runtime_build", sa.String(), nullable=False),
        sa.Column("busy_threads", sa.Integer(), nullable=False),
        sa.Column("affinity", sa.JSON(), nullable=False),
        sa.Column("latency", sa.JSON(), nullable=True),
        sa.Column("memory", sa.JSON(), nullable=True),
        sa.Column("median_ms", sa.Float(), nullable=True),
        sa.Column("low_ms", sa.Float(), nullable=True),
        sa.Column("high_ms", sa.Float(), nullable=True),
        sa.Column("p90_ms", sa.Float(), nullable=True),
        sa.Column("p99_ms", sa.Float(), nullable=True),
        sa.Column("peak_rss_bytes", sa.BigInteger(), nullable=True),
        sa.Column("least_peak_rss_bytes", sa.BigInteger(), nullable=True),
        sa.Column("outputs", sa.JSON(), nullable=True),
        sa.Column("minutes", sa.JSON(), nullable=False),
        sa.Column("paced", sa.JSON(), nullable=True),
        sa.Column("energy", sa.JSON(), nullable=True),
        sa.Column("delegation", sa.JSON(), nullable=True),
        sa.Column("measured_at_unix_ms", sa.BigInteger(), nullable=False),
        sa.Column("committed_at_unix_ms", sa.BigInteger(), nullable=False),
        sa.Column("content_sha256", sa.String(), nullable=True),
        sa.ForeignKeyConstraint(
            ["device_id"], ["devices.device_id"], name=op.f("fk_measurements_device_id")
        ),
        sa.ForeignKeyConstraint(["job_id"], ["jobs.job_id"], name=op.f("fk_measurements_job_id")),
        sa.ForeignKeyConstraint(
            ["sweep_id"], ["sweeps.sweep_id"], name=op.f("fk_measurements_sweep_id")
        ),
        sa.PrimaryKeyConstraint("measurement_id", name=op.f("pk_measurements")),
        sa.UniqueConstraint("job_id", name=op.f("uq_measurements_job_id")),
    )
    with op.batch_alter_table("measurements", schema=None) as batch_op:
        batch_op.create_index(
            "ix_measurements_newest",
            ["device_id", "backbone", "candidate_id"],
            unique=False,
            sqlite_where=sa.text("is_newest IS 1"),
            postgresql_where=sa.text("is_newest IS true"),
        )
        batch_op.create_index(
            "ix_measurements_order",
            ["committed_at_unix_ms", "position", "measurement_id"],
            unique=False,
        )
        batch_op.create_index(
            "ix_measurements_order_of_device",
            ["device_id", "committed_at_unix_ms", "position", "measurement_id"],
            unique=False,
        )
        batch_op.create_index(
            "ix_measurements_sweep_id_ordinal", ["sweep_id", "ordinal"], unique=True
        )
        batch_op.create_index(
            "ix_measurements_device_id_ordinal", ["device_id", "device_ordinal"], unique=True
        )
        batch_op.create_index(
            "ix_measurements_measured_at_unix_ms", ["measured_at_unix_ms"], unique=False
        )
        batch_op.create_index("ix_measurements_content_sha256", ["content_sha256"], unique=False)

    op.create_table(
        "earlier_predictions",
        sa.Column("prediction_id", sa.Integer(), nullable=False),
        sa.Column("job_id", sa.String(), nullable=False),
        sa.Column("device_id", sa.String(), nullable=False),
        sa.Column("median_ms", sa.Float(), nullable=False),
        sa.Column("low_ms", sa.Float(), nullable=False),
        sa.Column("high_ms", sa.Float(), nullable=False),
        sa.Column("confidence", sa.Float(), nullable=False),
        sa.Column("known_count", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["device_id"], ["devices.device_id"], name=op.f("fk_earlier_predictions_device_id")
        ),
        sa.ForeignKeyConstraint(
            ["job_id"], ["jobs.job_id"], name=op.f("fk_earlier_predictions_job_id")
        ),
        sa.PrimaryKeyConstraint("prediction_id", name=op.f("pk_earlier_predictions")),
        sa.UniqueConstraint("job_id", name=op.f("uq_earlier_predictions_job_id")),
    )
    with op.batch_alter_table("earlier_predictions", schema=None) as batch_op:
        batch_op.create_index(
            "ix_earlier_predictions_device_id_prediction_id",
            ["device_id", "prediction_id"],
            unique=False,
        )

    op.create_table(
        "kept_figures",
        sa.Column("device_id", sa.String(), nullable=False),
        sa.Column("until_ordinal", sa.Integer(), nullable=False),
        sa.Column("layout", sa.String(), nullable=False),
        sa.Column("checksum", sa.BigInteger(), nullable=False),
        sa.Column("figures", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["device_id"], ["devices.device_id"], name=op.f("fk_kept_figures_device_id")
        ),
        sa.PrimaryKeyConstraint("device_id", name=op.f("pk_kept_figures")),
    )
    op.create_table(
        "imports",
        sa.Column("sweep_id", sa.String(), nullable=False),
        sa.Column("import_id", sa.String(), nullable=False),
        sa.Column("origin", sa.String(), nullable=False),
        sa.Column("of_sweep_id", sa.String(), nullable=False),
        sa.Column("file_name", sa.String(), nullable=False),
        sa.Column("file_sha256", sa.String(), nullable=False),
        sa.Column("imported_at_unix_ms", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["sweep_id"], ["sweeps.sweep_id"], name=op.f("fk_imports_sweep_id")
        ),
        sa.PrimaryKeyConstraint("sweep_id", name=op.f("pk_imports")),
    )
    op.create_table(
        "profiles",
        sa.Column("job_id", sa.String(), nullable=False),
        sa.Column("reasons", sa.JSON(), nullable=True),
        sa.Column("runtime_version", sa.String(), nullable=True),
        sa.Column("runtime_build", sa.String(), nullable=True),
        sa.Column("affinity", sa.JSON(), nullable=True),
        sa.Column("times", sa.JSON(), nullable=True),
        sa.Column("trace_gzip", sa.LargeBinary(), nullable=True),
        sa.Column("profiled_at_unix_ms", sa.BigInteger(), nullable=True),
        sa.Column("committed_at_unix_ms", sa.BigInteger(), nullable=True),
        sa.Column("started_unready", sa.JSON(), nullable=True),
        sa.ForeignKeyConstraint(["job_id"], ["jobs.job_id"], name=op.f("fk_profiles_job_id")),
        sa.PrimaryKeyConstraint("job_id", name=op.f("pk_profiles")),
    )
    op.create_table(
        "repetitions",
        sa.Column("job_id", sa.String(), nullable=False),
        sa.Column("ordinal", sa.Integer(), nullable=False),
        sa.Column("runtime_version", sa.String(), nullable=False),
        sa.Column("runtime_build", sa.String(), nullable=False),
        sa.Column("affinity", sa.JSON(), nullable=False),
        sa.Column("taken_at_unix_ms", sa.BigInteger(), nullable=False),
        sa.Column("is_suspect", sa.Boolean(), server_default=sa.text("0"), nullable=False),
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
        sa.Column("during", sa.JSON(), nullable=False),
        sa.Column("memory", sa.JSON(), nullable=True),
        sa.Column("samples_per_minute", sa.JSON(), nullable=False),
        sa.Column("warmup_settled", sa.Boolean(), nullable=True),
        sa.Column("started_unready", sa.JSON(), nullable=True),
        sa.Column("waited_ms", sa.BigInteger(), nullable=False),
        sa.Column("output_check", sa.JSON(), nullable=True),
        sa.Column("paced", sa.JSON(), nullable=True),
        sa.Column("at_rest", sa.JSON(), nullable=False),
        sa.Column("providers", sa.JSON(), nullable=False),
        sa.Column("averaged", sa.JSON(), nullable=True),
        sa.ForeignKeyConstraint(["job_id"], ["jobs.job_id"], name=op.f("fk_repetitions_job_id")),
        sa.PrimaryKeyConstraint("job_id", "ordinal", name=op.f("pk_repetitions")),
    )
    op.create_table(
        "reused_jobs",
        sa.Column("sweep_id", sa.String(), nullable=False),
        sa.Column("job_id", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["job_id"], ["jobs.job_id"], name=op.f("fk_reused_jobs_job_id")),
        sa.ForeignKeyConstraint(
            ["sweep_id"], ["sweeps.sweep_id"], name=op.f("fk_reused_jobs_sweep_id")
        ),
        sa.PrimaryKeyConstraint("sweep_id", "job_id", name=op.f("pk_reused_jobs")),
    )
    with op.batch_alter_table("reused_jobs", schema=None) as batch_op:
        batch_op.create_index("ix_reused_jobs_job_id", ["job_id"], unique=False)

    op.create_table(
        "continued_jobs",
        sa.Column("job_id", sa.String(), nullable=False),
        sa.Column("earlier_job_id", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(
            ["earlier_job_id"], ["jobs.job_id"], name=op.f("fk_continued_jobs_earlier_job_id")
        ),
        sa.ForeignKeyConstraint(["job_id"], ["jobs.job_id"], name=op.f("fk_continued_jobs_job_id")),
        sa.PrimaryKeyConstraint("job_id", "earlier_job_id", name=op.f("pk_continued_jobs")),
    )
    op.create_table(
        "courses",
        sa.Column("device_id", sa.String(), nullable=False),
        sa.Column("sweep_id", sa.String(), nullable=False),
        sa.Column("planned_ms", sa.BigInteger(), nullable=False),
        sa.Column("expected_ms", sa.BigInteger(), nullable=True),
        sa.Column("waited_ms", sa.BigInteger(), nullable=False),
        sa.Column("sentinel_id", sa.String(), nullable=True),
        sa.Column("reading_count", sa.Integer(), nullable=False),
        sa.Column("turn_count", sa.Integer(), nullable=False),
        sa.Column("squares", sa.Float(), nullable=False),
        sa.Column("degrees", sa.Integer(), nullable=False),
        sa.Column("spent_ms", sa.BigInteger(), nullable=False),
        sa.Column("has_repeated", sa.Boolean(), nullable=False),
        sa.Column("still_racing", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(
            ["device_id"], ["devices.device_id"], name=op.f("fk_courses_device_id")
        ),
        sa.ForeignKeyConstraint(
            ["sentinel_id"], ["jobs.job_id"], name=op.f("fk_courses_sentinel_id")
        ),
        sa.ForeignKeyConstraint(
            ["sweep_id"], ["sweeps.sweep_id"], name=op.f("fk_courses_sweep_id")
        ),
        sa.PrimaryKeyConstraint("device_id", "sweep_id", name=op.f("pk_courses")),
    )
    with op.batch_alter_table("courses", schema=None) as batch_op:
        batch_op.create_index("ix_courses_sweep_id", ["sweep_id"], unique=False)

    op.create_table(
        "device_spreads",
        sa.Column("device_id", sa.String(), nullable=False),
        sa.Column("squares", sa.Float(), nullable=False),
        sa.Column("degrees", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["device_id"], ["devices.device_id"], name=op.f("fk_device_spreads_device_id")
        ),
        sa.PrimaryKeyConstraint("device_id", name=op.f("pk_device_spreads")),
    )
    op.create_table(
        "turns",
        sa.Column("job_id", sa.String(), nullable=False),
        sa.Column("ordinal", sa.Integer(), nullable=False),
        sa.Column("sweep_id", sa.String(), nullable=False),
        sa.Column("device_id", sa.String(), nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("taken_number", sa.Integer(), nullable=True),
        sa.Column("block", sa.Integer(), nullable=True),
        sa.Column("median_ms", sa.Float(), nullable=True),
        sa.Column("spent_ms", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["device_id"], ["devices.device_id"], name=op.f("fk_turns_device_id")
        ),
        sa.ForeignKeyConstraint(["job_id"], ["jobs.job_id"], name=op.f("fk_turns_job_id")),
        sa.ForeignKeyConstraint(["sweep_id"], ["sweeps.sweep_id"], name=op.f("fk_turns_sweep_id")),
        sa.PrimaryKeyConstraint("job_id", "ordinal", name=op.f("pk_turns")),
    )
    with op.batch_alter_table("turns", schema=None) as batch_op:
        batch_op.create_index(
            "ix_turns_device_id_sweep_id_state_place",
            ["device_id", "sweep_id", "state", "place"],
            unique=False,
        )
        batch_op.create_index(
            "ix_turns_sweep_id_taken_number",
            ["sweep_id", "taken_number"],
            unique=False,
            sqlite_where=sa.text("taken_number IS NOT NULL"),
            postgresql_where=sa.text("taken_number IS NOT NULL"),
        )


def downgrade() -> None:
    """Takes the change back."""
    with op.batch_alter_table("turns", schema=None) as batch_op:
        batch_op.drop_index(
            "ix_turns_sweep_id_taken_number",
            sqlite_where=sa.text("taken_number IS NOT NULL"),
            postgresql_where=sa.text("taken_number IS NOT NULL"),
        )
        batch_op.drop_index("ix_turns_device_id_sweep_id_state_place")

    op.drop_table("turns")
    op.drop_table("members")
    op.drop_table("join_tokens")
    with op.batch_alter_table("certificates", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_certificates_device_id"))

    op.drop_table("certificates")
    with op.batch_alter_table("audit_entries", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_audit_entries_subject"))

    op.drop_table("audit_entries")
    op.drop_table("access_tokens")
    op.drop_table("device_spreads")
    with op.batch_alter_table("courses", schema=None) as batch_op:
        batch_op.drop_index("ix_courses_sweep_id")

    op.drop_table("courses")
    op.drop_table("continued_jobs")
    with op.batch_alter_table("reused_jobs", schema=None) as batch_op:
        batch_op.drop_index("ix_reused_jobs_job_id")

    op.drop_table("reused_jobs")
    op.drop_table("repetitions")
    op.drop_table("profiles")
    op.drop_table("imports")
    op.drop_table("kept_figures")
    with op.batch_alter_table("earlier_predictions", schema=None) as batch_op:
        batch_op.drop_index("ix_earlier_predictions_device_id_prediction_id")

    op.drop_table("earlier_predictions")
    with op.batch_alter_table("measurements", schema=None) as batch_op:
        batch_op.drop_index("ix_measurements_sweep_id_ordinal")
        batch_op.drop_index("ix_measurements_device_id_ordinal")
        batch_op.drop_index("ix_measurements_measured_at_unix_ms")
        batch_op.drop_index("ix_measurements_order_of_device")
        batch_op.drop_index("ix_measurements_order")
        batch_op.drop_index(
            "ix_measurements_newest",
            sqlite_where=sa.text("is_newest IS 1"),
            postgresql_where=sa.text("is_newest IS true"),
        )

    op.drop_table("measurements")
    with op.batch_alter_table("candidates", schema=None) as batch_op:
        batch_op.drop_index("ix_candidates_made_of")

    op.drop_table("candidates")
    with op.batch_alter_table("attempts", schema=None) as batch_op:
        batch_op.drop_index("ix_attempts_state_device_id")
        batch_op.drop_index(batch_op.f("ix_attempts_job_id"))

    op.drop_table("attempts")
    with op.batch_alter_table("jobs", schema=None) as batch_op:
        batch_op.drop_index("ix_jobs_sweep_id_state_backbone")
        batch_op.drop_index("ix_jobs_device_id_sweep_id_state")

    op.drop_table("jobs")
    op.drop_table("start_requests")
    op.drop_table("sweep_counts")
    with op.batch_alter_table("sweeps", schema=None) as batch_op:
        batch_op.drop_index("ix_sweeps_urgency")

    op.drop_table("sweeps")
    op.drop_table("servings")
    op.drop_table("own_models")
    op.drop_table("network_counts")
    op.drop_table("replaced_agents")
    with op.batch_alter_table("device_events", schema=None) as batch_op:
        batch_op.drop_index("ix_device_events_device_id_event_id")

    op.drop_table("device_events")
    with op.batch_alter_table("device_standings", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_device_standings_condition"))

    op.drop_table("device_standings")
    with op.batch_alter_table("devices", schema=None) as batch_op:
        batch_op.drop_index(
            "uq_devices_name",
            sqlite_where=sa.text("removed_at_unix_ms IS NULL"),
            postgresql_where=sa.text("removed_at_unix_ms IS NULL"),
        )

    op.drop_table("devices")
    op.drop_table("backbones")
    with op.batch_alter_table("artifacts", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_artifacts_sha256"))
        batch_op.drop_index(batch_op.f("ix_artifacts_reference_sha256"))
        batch_op.drop_index(batch_op.f("ix_artifacts_created_at_unix_ms"))

    op.drop_table("artifacts")
    op.drop_table("accuracies")
