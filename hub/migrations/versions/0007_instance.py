"""Audit, idempotency, the instance's memory."""

import sqlalchemy as sa
from alembic import op

from hub.migrations.types import big, moment, text

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "audit_event",
        sa.Column("authority_id", sa.Integer(), nullable=False),
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("at", moment(), nullable=False),
        sa.Column("actor", text(), nullable=False),
        sa.Column("verb", text(), nullable=False),
        sa.Column("object", text(), nullable=False),
        sa.Column("detail", sa.JSON(), nullable=False),
        sa.Column("request_id", text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["authority_id"],
            ["authority.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    with op.batch_alter_table("audit_event", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_audit_event_at"), ["at"], unique=False)
        batch_op.create_index(
            batch_op.f("ix_audit_event_authority_id"), ["authority_id"], unique=False
        )
        batch_op.create_index(batch_op.f("ix_audit_event_object"), ["object"], unique=False)
    op.create_table(
        "idempotency_key",
        sa.Column("authority_id", sa.Integer(), nullable=False),
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("key", text(), nullable=False),
        sa.Column("fingerprint", text(), nullable=False),
        sa.Column("status", sa.Integer(), nullable=False),
        sa.Column("body", sa.JSON(), nullable=False),
        sa.Column("created", moment(), nullable=False),
        sa.ForeignKeyConstraint(
            ["authority_id"],
            ["authority.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("authority_id", "key"),
    )
    with op.batch_alter_table("idempotency_key", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_idempotency_key_authority_id"), ["authority_id"], unique=False
        )
        batch_op.create_index(batch_op.f("ix_idempotency_key_created"), ["created"], unique=False)
    op.create_table(
        "memo",
        sa.Column("name", text(), nullable=False),
        sa.Column("number", big(), nullable=False),
        sa.Column("text", text(), nullable=False),
        sa.Column("at", moment(), nullable=False),
        sa.PrimaryKeyConstraint("name"),
    )


def downgrade() -> None:
    op.drop_table("memo")
    op.drop_table("idempotency_key")
    op.drop_table("audit_event")
