"""Sources and items."""

import sqlalchemy as sa
from alembic import op

from hub.migrations.types import moment, text

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "source",
        sa.Column("authority_id", sa.Integer(), nullable=False),
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", text(), nullable=False),
        sa.Column("kind", text(), nullable=False),
        sa.Column("url", text(), nullable=False),
        sa.Column("station_id", sa.Integer(), nullable=False),
        sa.Column("options", sa.JSON(), nullable=False),
        sa.Column("secrets", text(), nullable=False),
        sa.Column("category", text(), nullable=False),
        sa.Column("intake", text(), nullable=False),
        sa.Column("interval_s", sa.Integer(), nullable=False),
        sa.Column("paused", sa.Boolean(), nullable=False),
        sa.Column("health", text(), nullable=False),
        sa.Column("error", text(), nullable=False),
        sa.Column("entry_errors", sa.JSON(), nullable=False),
        sa.Column("cursor", sa.JSON(), nullable=False),
        sa.Column("content_hash", text(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("last_try", moment(), nullable=True),
        sa.Column("last_good", moment(), nullable=True),
        sa.Column("next_at", moment(), nullable=True),
        sa.Column("lease", text(), nullable=False),
        sa.Column("beat", sa.Integer(), nullable=False),
        sa.Column("created", moment(), nullable=False),
        sa.ForeignKeyConstraint(
            ["authority_id"],
            ["authority.id"],
        ),
        sa.ForeignKeyConstraint(
            ["station_id"],
            ["station.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    with op.batch_alter_table("source", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_source_authority_id"), ["authority_id"], unique=False)
        batch_op.create_index("ix_source_next", ["next_at"], unique=False)
    op.create_table(
        "item",
        sa.Column("authority_id", sa.Integer(), nullable=False),
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("source_id", sa.Integer(), nullable=False),
        sa.Column("external_id", text(), nullable=False),
        sa.Column("version", text(), nullable=False),
        sa.Column("hash", text(), nullable=False),
        sa.Column("state", text(), nullable=False),
        sa.Column("reason", text(), nullable=False),
        sa.Column("rule", text(), nullable=False),
        sa.Column("headline", text(), nullable=False),
        sa.Column("starts", moment(), nullable=True),
        sa.Column("ends", moment(), nullable=True),
        sa.Column("body", sa.JSON(), nullable=False),
        sa.Column("publication_id", text(), nullable=False),
        sa.Column("first_seen", moment(), nullable=False),
        sa.Column("last_seen", moment(), nullable=False),
        sa.Column("missing_since", moment(), nullable=True),
        sa.ForeignKeyConstraint(
            ["authority_id"],
            ["authority.id"],
        ),
        sa.ForeignKeyConstraint(
            ["source_id"],
            ["source.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("source_id", "external_id"),
    )
    with op.batch_alter_table("item", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_item_authority_id"), ["authority_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_item_source_id"), ["source_id"], unique=False)


def downgrade() -> None:
    op.drop_table("item")
    op.drop_table("source")
