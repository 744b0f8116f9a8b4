"""Indexes that are asked, and no others; a receipt was never of a delivery."""

import sqlalchemy as sa
from alembic import op

revision = "0010_indexes"
down_revision = "0009_panels"
branch_labels = None
depends_on = None

# Each is the beginning of a unique constraint or of another index.
_REPEATED = {
    "outlet": ["authority_id"],
    "contact": ["outlet_id"],
    "item": ["authority_id", "source_id"],
    "revision": ["publication_id"],
    "event": ["authority_id"],
    "event_origin": ["source_id"],
    "idempotency_key": ["authority_id"],
    "retired_key": ["authority_id"],
}
_NEVER_ASKED = {"revision": ["expires"], "audit_event": ["at"]}
_GONE = [*_REPEATED.items(), *_NEVER_ASKED.items()]
# As PostgreSQL named it; on SQLite foreign keys have no names, and get these.
_NAMES = {"fk": "%(table_name)s_%(column_0_name)s_fkey"}
_OF_DELIVERY = "receipt_delivery_id_fkey"


def upgrade() -> None:
    for table, columns in _GONE:
        for column in columns:
            op.drop_index(f"ix_{table}_{column}", table)
    with op.batch_alter_table("receipt", schema=None, naming_convention=_NAMES) as batch_op:
        batch_op.drop_index("ix_receipt_delivery_id")
        batch_op.drop_constraint(_OF_DELIVERY, type_="foreignkey")
        batch_op.drop_column("delivery_id")
    op.create_index(
        "ix_attempt_target", "attempt", ["target_id"],
        sqlite_where=sa.text("target_id IS NOT NULL"),
        postgresql_where=sa.text("target_id IS NOT NULL"),
    )  # fmt: skip
    op.create_index(
        "ix_publication_item", "publication", ["item_id"],
        sqlite_where=sa.text("item_id IS NOT NULL"),
        postgresql_where=sa.text("item_id IS NOT NULL"),
    )  # fmt: skip


def downgrade() -> None:
    op.drop_index("ix_publication_item", "publication")
    op.drop_index("ix_attempt_target", "attempt")
    with op.batch_alter_table("receipt", schema=None) as batch_op:
        batch_op.add_column(sa.Column("delivery_id", sa.Integer(), nullable=True))
        batch_op.create_foreign_key(_OF_DELIVERY, "delivery", ["delivery_id"], ["id"])
        batch_op.create_index("ix_receipt_delivery_id", ["delivery_id"])
    for table, columns in _GONE:
        for column in columns:
            op.create_index(f"ix_{table}_{column}", table, [column])
