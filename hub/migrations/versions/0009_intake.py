"""Items of several sources in one publication; what was last said of an item."""

import sqlalchemy as sa
from alembic import op

from hub.migrations.types import text

revision = "0009_intake"
down_revision = "0008_fanout"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("item", schema=None) as batch_op:
        batch_op.add_column(
            sa.Column("held", sa.Boolean(), nullable=False, server_default=sa.false())
        )
        batch_op.add_column(sa.Column("said", text(), nullable=False, server_default=""))
        batch_op.create_index("ix_item_when", ["authority_id", "starts"], unique=False)
        batch_op.create_index("ix_item_publication", ["publication_id"], unique=False)
        batch_op.create_index("ix_item_external", ["authority_id", "external_id"], unique=False)


def downgrade() -> None:
    with op.batch_alter_table("item", schema=None) as batch_op:
        batch_op.drop_index("ix_item_external")
        batch_op.drop_index("ix_item_publication")
        batch_op.drop_index("ix_item_when")
        batch_op.drop_column("said")
        batch_op.drop_column("held")
