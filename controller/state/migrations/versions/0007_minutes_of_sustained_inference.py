"""Minutes of sustained inference.

Revision: 0007, after 0005.
"""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Applies the change."""
    with op.batch_alter_table("measurements", schema=None) as batch_op:
        batch_op.add_column(sa.Column("minutes", sa.JSON(), nullable=True))
    with op.batch_alter_table("repetitions", schema=None) as batch_op:
        batch_op.add_column(sa.Column("samples_per_minute", sa.JSON(), nullable=True))


def downgrade() -> None:
    """Takes the change back."""
    with op.batch_alter_table("repetitions", schema=None) as batch_op:
        batch_op.drop_column("samples_per_minute")
    with op.batch_alter_table("measurements", schema=None) as batch_op:
        batch_op.drop_column("minutes")
