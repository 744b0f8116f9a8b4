"""What a display is being told: the number read for the saying under way. And displays that were
never told anything are due."""

import sqlalchemy as sa
from alembic import op

revision = "0008_saying"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("display", schema=None) as batch_op:
        batch_op.add_column(
            sa.Column("saying_no", sa.Integer(), nullable=False, server_default="0")
        )
    op.execute(
        "UPDATE display SET wanted_no = 1, due_at = CURRENT_TIMESTAMP "
        "WHERE wanted_no = 0 AND due_at IS NULL"
    )


def downgrade() -> None:
    with op.batch_alter_table("display", schema=None) as batch_op:
        batch_op.drop_column("saying_no")
