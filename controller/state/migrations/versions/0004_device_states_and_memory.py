"""Device states and memory of a repetition.

Revision: 0004, after 0003.
"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Applies the change."""
    with op.batch_alter_table("repetitions", schema=None) as batch_op:
        batch_op.add_column(sa.Column("during", sa.JSON(), nullable=True))
        batch_op.add_column(sa.Column("memory", sa.JSON(), nullable=True))


def downgrade() -> None:
    """Takes the change back."""
    with op.batch_alter_table("repetitions", schema=None) as batch_op:
        batch_op.drop_column("memory")
        batch_op.drop_column("during")
