"""Former signing keys of an authority, and the number of the set its panels trust."""

import sqlalchemy as sa
from alembic import op

from hub.migrations.types import big, moment, text

revision = "0009_panel_keys"
down_revision = "0009_intake"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "retired_key",
        sa.Column("authority_id", sa.Integer(), nullable=False),
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("key_id", text(), nullable=False),
        sa.Column("public", text(), nullable=False),
        sa.Column("sealed", text(), nullable=False),
        sa.Column("retired", moment(), nullable=False),
        sa.Column("until", moment(), nullable=False),
        sa.Column("revoked", moment(), nullable=True),
        sa.ForeignKeyConstraint(["authority_id"], ["authority.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("authority_id", "key_id"),
    )
    with op.batch_alter_table("retired_key", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_retired_key_authority_id"), ["authority_id"], unique=False
        )
    with op.batch_alter_table("authority", schema=None) as batch_op:
        batch_op.add_column(sa.Column("keys_rev", big(), nullable=False, server_default="0"))
        batch_op.add_column(sa.Column("keys_at", moment(), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("authority", schema=None) as batch_op:
        batch_op.drop_column("keys_at")
        batch_op.drop_column("keys_rev")
    op.drop_table("retired_key")
