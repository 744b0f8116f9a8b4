"""Deliveries, targets, shards, attempts, receipts."""

import sqlalchemy as sa
from alembic import op

from hub.migrations.types import big, moment, text

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "delivery",
        sa.Column("authority_id", sa.Integer(), nullable=False),
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("revision_id", sa.Integer(), nullable=False),
        sa.Column("publication_id", text(), nullable=False),
        sa.Column("revision_no", sa.Integer(), nullable=False),
        sa.Column("outlet_id", sa.Integer(), nullable=False),
        sa.Column("kind", text(), nullable=False),
        sa.Column("intent", text(), nullable=False),
        sa.Column("lane", text(), nullable=False),
        sa.Column("state", text(), nullable=False),
        sa.Column("reason", text(), nullable=False),
        sa.Column("route", sa.JSON(), nullable=False),
        sa.Column("expires", moment(), nullable=False),
        sa.Column("due_at", moment(), nullable=True),
        sa.Column("lease", text(), nullable=False),
        sa.Column("beat", sa.Integer(), nullable=False),
        sa.Column("frozen", sa.Boolean(), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("total", sa.Integer(), nullable=False),
        sa.Column("accepted", sa.Integer(), nullable=False),
        sa.Column("gone", sa.Integer(), nullable=False),
        sa.Column("rejected", sa.Integer(), nullable=False),
        sa.Column("uncertain", sa.Integer(), nullable=False),
        sa.Column("opened_at", moment(), nullable=True),
        sa.Column("first_at", moment(), nullable=True),
        sa.Column("half_at", moment(), nullable=True),
        sa.Column("ninety_at", moment(), nullable=True),
        sa.Column("closed_at", moment(), nullable=True),
        sa.Column("created", moment(), nullable=False),
        sa.Column("changed", moment(), nullable=False),
        sa.ForeignKeyConstraint(
            ["authority_id"],
            ["authority.id"],
        ),
        sa.ForeignKeyConstraint(
            ["outlet_id"],
            ["outlet.id"],
        ),
        sa.ForeignKeyConstraint(
            ["publication_id"],
            ["publication.id"],
        ),
        sa.ForeignKeyConstraint(
            ["revision_id"],
            ["revision.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("revision_id", "outlet_id"),
    )
    with op.batch_alter_table("delivery", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_delivery_authority_id"), ["authority_id"], unique=False
        )
        batch_op.create_index("ix_delivery_due", ["due_at", "lane"], unique=False)
        batch_op.create_index(batch_op.f("ix_delivery_outlet_id"), ["outlet_id"], unique=False)
        batch_op.create_index("ix_delivery_publication", ["publication_id"], unique=False)
    op.create_table(
        "target",
        sa.Column("authority_id", sa.Integer(), nullable=False),
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("delivery_id", sa.Integer(), nullable=False),
        sa.Column("contact_id", sa.Integer(), nullable=True),
        sa.Column("address", text(), nullable=False),
        sa.Column("intent", text(), nullable=False),
        sa.Column("key", text(), nullable=False),
        sa.Column("earlier_ref", text(), nullable=False),
        sa.Column("state", text(), nullable=False),
        sa.Column("reference", text(), nullable=False),
        sa.Column("reason", text(), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("opened_at", moment(), nullable=True),
        sa.Column("closed_at", moment(), nullable=True),
        sa.ForeignKeyConstraint(
            ["authority_id"],
            ["authority.id"],
        ),
        sa.ForeignKeyConstraint(
            ["contact_id"],
            ["contact.id"],
        ),
        sa.ForeignKeyConstraint(
            ["delivery_id"],
            ["delivery.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("delivery_id", "address"),
    )
    with op.batch_alter_table("target", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_target_authority_id"), ["authority_id"], unique=False)
        batch_op.create_index("ix_target_state", ["delivery_id", "state"], unique=False)
    op.create_table(
        "shard",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("delivery_id", sa.Integer(), nullable=False),
        sa.Column("n", sa.Integer(), nullable=False),
        sa.Column("intent", text(), nullable=False),
        sa.Column("ids", sa.LargeBinary(), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("cursor", sa.Integer(), nullable=False),
        sa.Column("accepted", sa.Integer(), nullable=False),
        sa.Column("gone", sa.Integer(), nullable=False),
        sa.Column("rejected", sa.Integer(), nullable=False),
        sa.Column("done", sa.Boolean(), nullable=False),
        sa.Column("lease", text(), nullable=False),
        sa.Column("beat", sa.Integer(), nullable=False),
        sa.Column("retry_at", moment(), nullable=True),
        sa.ForeignKeyConstraint(
            ["delivery_id"],
            ["delivery.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("delivery_id", "n"),
    )
    with op.batch_alter_table("shard", schema=None) as batch_op:
        batch_op.create_index("ix_shard_open", ["delivery_id", "done"], unique=False)
    op.create_table(
        "attempt",
        sa.Column("authority_id", sa.Integer(), nullable=False),
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("delivery_id", sa.Integer(), nullable=True),
        sa.Column("outlet_id", sa.Integer(), nullable=False),
        sa.Column("target_id", sa.Integer(), nullable=True),
        sa.Column("shard_id", sa.Integer(), nullable=True),
        sa.Column("worker", text(), nullable=False),
        sa.Column("started", moment(), nullable=False),
        sa.Column("finished", moment(), nullable=True),
        sa.Column("outcome", text(), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("detail", text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["authority_id"],
            ["authority.id"],
        ),
        sa.ForeignKeyConstraint(
            ["delivery_id"],
            ["delivery.id"],
        ),
        sa.ForeignKeyConstraint(
            ["outlet_id"],
            ["outlet.id"],
        ),
        sa.ForeignKeyConstraint(
            ["shard_id"],
            ["shard.id"],
        ),
        sa.ForeignKeyConstraint(
            ["target_id"],
            ["target.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    with op.batch_alter_table("attempt", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_attempt_authority_id"), ["authority_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_attempt_delivery_id"), ["delivery_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_attempt_outlet_id"), ["outlet_id"], unique=False)
    op.create_table(
        "receipt",
        sa.Column("authority_id", sa.Integer(), nullable=False),
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("outlet_id", sa.Integer(), nullable=False),
        sa.Column("delivery_id", sa.Integer(), nullable=True),
        sa.Column("stage", text(), nullable=False),
        sa.Column("say_no", big(), nullable=True),
        sa.Column("at", moment(), nullable=False),
        sa.Column("evidence", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(
            ["authority_id"],
            ["authority.id"],
        ),
        sa.ForeignKeyConstraint(
            ["delivery_id"],
            ["delivery.id"],
        ),
        sa.ForeignKeyConstraint(
            ["outlet_id"],
            ["outlet.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    with op.batch_alter_table("receipt", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_receipt_authority_id"), ["authority_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_receipt_delivery_id"), ["delivery_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_receipt_outlet_id"), ["outlet_id"], unique=False)


def downgrade() -> None:
    op.drop_table("receipt")
    op.drop_table("attempt")
    op.drop_table("shard")
    op.drop_table("target")
    op.drop_table("delivery")
