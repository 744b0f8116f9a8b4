"""Displays, what they carry, the shelf."""

import sqlalchemy as sa
from alembic import op

from hub.migrations.types import big, moment, text

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "display",
        sa.Column("authority_id", sa.Integer(), nullable=False),
        sa.Column("outlet_id", sa.Integer(), nullable=False),
        sa.Column("wanted_no", sa.Integer(), nullable=False),
        sa.Column("said_no", sa.Integer(), nullable=False),
        sa.Column("shown_no", sa.Integer(), nullable=False),
        sa.Column("say_no", big(), nullable=False),
        sa.Column("reported_no", big(), nullable=False),
        sa.Column("lane", text(), nullable=False),
        sa.Column("due_at", moment(), nullable=True),
        sa.Column("next_change_at", moment(), nullable=True),
        sa.Column("lease", text(), nullable=False),
        sa.Column("beat", sa.Integer(), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("trouble", text(), nullable=False),
        sa.Column("said_at", moment(), nullable=True),
        sa.Column("shown_at", moment(), nullable=True),
        sa.Column("presence", text(), nullable=False),
        sa.Column("presence_at", moment(), nullable=True),
        sa.Column("session", big(), nullable=False),
        sa.Column("seq", big(), nullable=False),
        sa.Column("birth", sa.JSON(), nullable=False),
        sa.Column("evidence", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(
            ["authority_id"],
            ["authority.id"],
        ),
        sa.ForeignKeyConstraint(
            ["outlet_id"],
            ["outlet.id"],
        ),
        sa.PrimaryKeyConstraint("outlet_id"),
    )
    with op.batch_alter_table("display", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_display_authority_id"), ["authority_id"], unique=False)
        batch_op.create_index("ix_display_due", ["due_at"], unique=False)
    op.create_table(
        "carried",
        sa.Column("authority_id", sa.Integer(), nullable=False),
        sa.Column("outlet_id", sa.Integer(), nullable=False),
        sa.Column("publication_id", text(), nullable=False),
        sa.Column("wanted_rev", sa.Integer(), nullable=True),
        sa.Column("said_rev", sa.Integer(), nullable=True),
        sa.Column("said_say_no", big(), nullable=False),
        sa.Column("shown_rev", sa.Integer(), nullable=True),
        sa.Column("since", moment(), nullable=False),
        sa.Column("refused", text(), nullable=False),
        sa.Column("ended_at", moment(), nullable=True),
        sa.Column("evidence", sa.JSON(), nullable=False),
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
        sa.PrimaryKeyConstraint("outlet_id", "publication_id"),
    )
    with op.batch_alter_table("carried", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_carried_authority_id"), ["authority_id"], unique=False)
        batch_op.create_index(
            batch_op.f("ix_carried_publication_id"), ["publication_id"], unique=False
        )
    op.create_table(
        "shelf",
        sa.Column("authority_id", sa.Integer(), nullable=False),
        sa.Column("path", text(), nullable=False),
        sa.Column("outlet_id", sa.Integer(), nullable=False),
        sa.Column("etag", text(), nullable=False),
        sa.Column("media_type", text(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("modified", moment(), nullable=False),
        sa.Column("valid_until", moment(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["authority_id"],
            ["authority.id"],
        ),
        sa.ForeignKeyConstraint(
            ["outlet_id"],
            ["outlet.id"],
        ),
        sa.PrimaryKeyConstraint("path"),
    )
    with op.batch_alter_table("shelf", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_shelf_authority_id"), ["authority_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_shelf_outlet_id"), ["outlet_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_shelf_version"), ["version"], unique=False)


def downgrade() -> None:
    op.drop_table("shelf")
    op.drop_table("carried")
    op.drop_table("display")
