"""Publications, revisions, plans."""

import sqlalchemy as sa
from alembic import op

from hub.migrations.types import moment, text

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "publication",
        sa.Column("authority_id", sa.Integer(), nullable=False),
        sa.Column("id", text(), nullable=False),
        sa.Column("station_id", sa.Integer(), nullable=False),
        sa.Column("state", text(), nullable=False),
        sa.Column("ended_as", text(), nullable=True),
        sa.Column("ended_at", moment(), nullable=True),
        sa.Column("revision_no", sa.Integer(), nullable=False),
        sa.Column("first_sent", moment(), nullable=True),
        sa.Column("draft", sa.JSON(), nullable=True),
        sa.Column("draft_state", text(), nullable=True),
        sa.Column("draft_note", text(), nullable=False),
        sa.Column("draft_by", text(), nullable=False),
        sa.Column("publish_at", moment(), nullable=True),
        sa.Column("approved_plan", sa.JSON(), nullable=True),
        sa.Column("approved_by", text(), nullable=False),
        sa.Column("item_id", sa.Integer(), nullable=True),
        sa.Column("created_by", text(), nullable=False),
        sa.Column("created", moment(), nullable=False),
        sa.Column("changed", moment(), nullable=False),
        sa.Column("wake_at", moment(), nullable=True),
        sa.ForeignKeyConstraint(
            ["authority_id"],
            ["authority.id"],
        ),
        sa.ForeignKeyConstraint(
            ["item_id"],
            ["item.id"],
        ),
        sa.ForeignKeyConstraint(
            ["station_id"],
            ["station.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    with op.batch_alter_table("publication", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_publication_authority_id"), ["authority_id"], unique=False
        )
        batch_op.create_index(batch_op.f("ix_publication_station_id"), ["station_id"], unique=False)
        batch_op.create_index("ix_publication_wake", ["wake_at"], unique=False)
    op.create_table(
        "revision",
        sa.Column("authority_id", sa.Integer(), nullable=False),
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("publication_id", text(), nullable=False),
        sa.Column("no", sa.Integer(), nullable=False),
        sa.Column("msg_type", text(), nullable=False),
        sa.Column("status", text(), nullable=False),
        sa.Column("severity", text(), nullable=False),
        sa.Column("category", text(), nullable=False),
        sa.Column("lane", text(), nullable=False),
        sa.Column("content", sa.JSON(), nullable=False),
        sa.Column("sent", moment(), nullable=False),
        sa.Column("effective", moment(), nullable=False),
        sa.Column("onset", moment(), nullable=True),
        sa.Column("expires", moment(), nullable=False),
        sa.Column("ended_as", text(), nullable=True),
        sa.Column("references", sa.JSON(), nullable=False),
        sa.Column("made_by", text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["authority_id"],
            ["authority.id"],
        ),
        sa.ForeignKeyConstraint(
            ["publication_id"],
            ["publication.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("publication_id", "no"),
    )
    with op.batch_alter_table("revision", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_revision_authority_id"), ["authority_id"], unique=False
        )
        batch_op.create_index(batch_op.f("ix_revision_expires"), ["expires"], unique=False)
        batch_op.create_index(
            batch_op.f("ix_revision_publication_id"), ["publication_id"], unique=False
        )
    op.create_table(
        "plan",
        sa.Column("authority_id", sa.Integer(), nullable=False),
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("revision_id", sa.Integer(), nullable=False),
        sa.Column("body", sa.JSON(), nullable=False),
        sa.Column("differs_from_approved", sa.Boolean(), nullable=False),
        sa.Column("computed", moment(), nullable=False),
        sa.ForeignKeyConstraint(
            ["authority_id"],
            ["authority.id"],
        ),
        sa.ForeignKeyConstraint(
            ["revision_id"],
            ["revision.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("revision_id"),
    )
    with op.batch_alter_table("plan", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_plan_authority_id"), ["authority_id"], unique=False)


def downgrade() -> None:
    op.drop_table("plan")
    op.drop_table("revision")
    op.drop_table("publication")
