"""Whether a repetition's warm-up had settled.

Revision: 0009, after 0008.
"""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Applies the change."""
    with op.batch_alter_table("repetitions", schema=None) as batch_op:
        batch_op.add_column(sa.Column("warmup_settled", sa.Boolean(), nullable=True))


def downgrade() -> None:
    """Takes the change back."""
    with op.batch_alter_table("repetitions", schema=None) as batch_op:
        batch_op.drop_column("warmup_settled")
