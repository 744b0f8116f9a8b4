"""The agenda: events, their origins, the reminders said of them."""

import sqlalchemy as sa
from alembic import op

from hub.migrations.types import moment, text

revision = "0008_agenda"
down_revision = "0008_saying"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "event",
        sa.Column("authority_id", sa.Integer(), nullable=False),
        sa.Column("id", text(), nullable=False),
        sa.Column("station_id", sa.Integer(), nullable=False),
        sa.Column("state", text(), nullable=False),
        sa.Column("category", text(), nullable=False),
        sa.Column("starts", moment(), nullable=False),
        sa.Column("ends", moment(), nullable=False),
        sa.Column("all_day", sa.Boolean(), nullable=False),
        sa.Column("texts", sa.JSON(), nullable=False),
        sa.Column("place", text(), nullable=False),
        sa.Column("longitude", sa.Float(), nullable=True),
        sa.Column("latitude", sa.Float(), nullable=True),
        sa.Column("tags", sa.JSON(), nullable=False),
        sa.Column("link", text(), nullable=False),
        sa.Column("series", text(), nullable=False),
        sa.Column("words", text(), nullable=False),
        sa.Column("tag_words", text(), nullable=False),
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.Column("edited", sa.Boolean(), nullable=False),
        sa.Column("note", text(), nullable=False),
        sa.Column("created_by", text(), nullable=False),
        sa.Column("created", moment(), nullable=False),
        sa.Column("changed", moment(), nullable=False),
        sa.ForeignKeyConstraint(["authority_id"], ["authority.id"]),
        sa.ForeignKeyConstraint(["station_id"], ["station.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    with op.batch_alter_table("event", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_event_authority_id"), ["authority_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_event_changed"), ["changed"], unique=False)
        batch_op.create_index(batch_op.f("ix_event_ends"), ["ends"], unique=False)
        batch_op.create_index(batch_op.f("ix_event_station_id"), ["station_id"], unique=False)
        batch_op.create_index("ix_event_when", ["authority_id", "starts"], unique=False)
    op.create_table(
        "event_origin",
        sa.Column("authority_id", sa.Integer(), nullable=False),
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("event_id", text(), nullable=False),
        sa.Column("source_id", sa.Integer(), nullable=True),
        sa.Column("source_name", text(), nullable=False),
        sa.Column("external_id", text(), nullable=False),
        sa.Column("version", text(), nullable=False),
        sa.Column("hash", text(), nullable=False),
        sa.Column("link", text(), nullable=False),
        sa.Column("gone", sa.Boolean(), nullable=False),
        sa.Column("missing_since", moment(), nullable=True),
        sa.ForeignKeyConstraint(["authority_id"], ["authority.id"]),
        sa.ForeignKeyConstraint(["event_id"], ["event.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("source_id", "external_id"),
    )
    with op.batch_alter_table("event_origin", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_event_origin_authority_id"), ["authority_id"], unique=False
        )
        batch_op.create_index(batch_op.f("ix_event_origin_event_id"), ["event_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_event_origin_source_id"), ["source_id"], unique=False)
    op.create_table(
        "reminder",
        sa.Column("authority_id", sa.Integer(), nullable=False),
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("station_id", sa.Integer(), nullable=False),
        sa.Column("rule", text(), nullable=False),
        sa.Column("occasion", text(), nullable=False),
        sa.Column("due", moment(), nullable=False),
        sa.Column("until", moment(), nullable=False),
        sa.Column("events", sa.JSON(), nullable=False),
        sa.Column("publication_id", text(), nullable=False),
        sa.Column("said", text(), nullable=False),
        sa.Column("title", sa.JSON(), nullable=False),
        sa.Column("created", moment(), nullable=False),
        sa.ForeignKeyConstraint(["authority_id"], ["authority.id"]),
        sa.ForeignKeyConstraint(["station_id"], ["station.id"]),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("station_id", "rule", "occasion"),
    )
    with op.batch_alter_table("reminder", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_reminder_authority_id"), ["authority_id"], unique=False
        )
        batch_op.create_index(batch_op.f("ix_reminder_until"), ["until"], unique=False)


def downgrade() -> None:
    op.drop_table("reminder")
    op.drop_table("event_origin")
    op.drop_table("event")
