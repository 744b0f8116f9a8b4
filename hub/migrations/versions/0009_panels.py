"""Panels: how they are, what they were told and show, what they proved, what is wrong with them."""

import sqlalchemy as sa
from alembic import op

from hub.migrations.types import big, moment, text

revision = "0009_panels"
down_revision = "0009_panel_keys"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("display", schema=None) as batch_op:
        batch_op.add_column(sa.Column("shown_say_no", big(), nullable=False, server_default="0"))
    op.create_table(
        "panel",
        sa.Column("authority_id", sa.Integer(), nullable=False),
        sa.Column("outlet_id", sa.Integer(), nullable=False),
        sa.Column("state", text(), nullable=False),
        sa.Column("since", moment(), nullable=False),
        sa.Column("heard_at", moment(), nullable=True),
        sa.Column("quiet_at", moment(), nullable=True),
        sa.Column("lost_at", moment(), nullable=True),
        sa.Column("sleeps_until", moment(), nullable=True),
        sa.Column("seqs", sa.JSON(), nullable=False),
        sa.Column("heartbeat", sa.JSON(), nullable=False),
        sa.Column("beat_at", moment(), nullable=True),
        sa.Column("shown", sa.JSON(), nullable=False),
        sa.Column("shown_at", moment(), nullable=True),
        sa.Column("faults", sa.JSON(), nullable=False),
        sa.Column("refused", sa.JSON(), nullable=False),
        sa.Column("proved", sa.JSON(), nullable=False),
        sa.Column("proved_at", moment(), nullable=True),
        sa.ForeignKeyConstraint(["authority_id"], ["authority.id"]),
        sa.ForeignKeyConstraint(["outlet_id"], ["outlet.id"]),
        sa.PrimaryKeyConstraint("outlet_id"),
    )
    with op.batch_alter_table("panel", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_panel_authority_id"), ["authority_id"], unique=False)
        batch_op.create_index("ix_panel_quiet", ["quiet_at"], unique=False)
        batch_op.create_index("ix_panel_lost", ["lost_at"], unique=False)
    op.create_table(
        "frame",
        sa.Column("authority_id", sa.Integer(), nullable=False),
        sa.Column("outlet_id", sa.Integer(), nullable=False),
        sa.Column("at", moment(), nullable=False),
        sa.Column("hash", text(), nullable=False),
        sa.Column("page_hash", text(), nullable=False),
        sa.Column("reference", text(), nullable=False),
        sa.Column("png", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["authority_id"], ["authority.id"]),
        sa.ForeignKeyConstraint(["outlet_id"], ["outlet.id"]),
        sa.PrimaryKeyConstraint("outlet_id"),
    )
    with op.batch_alter_table("frame", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_frame_authority_id"), ["authority_id"], unique=False)
    op.create_table(
        "told_page",
        sa.Column("publication_id", text(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("hash", text(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("page", sa.JSON(), nullable=False),
        sa.Column("first", moment(), nullable=False),
        sa.PrimaryKeyConstraint("publication_id", "revision", "hash"),
    )
    with op.batch_alter_table("told_page", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_told_page_hash"), ["hash"], unique=False)
    op.create_table(
        "play",
        sa.Column("authority_id", sa.Integer(), nullable=False),
        sa.Column("outlet_id", sa.Integer(), nullable=False),
        sa.Column("publication_id", text(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("hash", text(), nullable=False),
        sa.Column("day", text(), nullable=False),
        sa.Column("start", moment(), nullable=False),
        sa.Column("end", moment(), nullable=False),
        sa.Column("plays", sa.Integer(), nullable=False),
        sa.Column("seconds", sa.Float(), nullable=False),
        sa.Column("dark_s", sa.Float(), nullable=False),
        sa.Column("known", sa.Boolean(), nullable=False),
        sa.Column("inferred", sa.Boolean(), nullable=False),
        sa.Column("sealed", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["authority_id"], ["authority.id"]),
        sa.ForeignKeyConstraint(["outlet_id"], ["outlet.id"]),
        sa.PrimaryKeyConstraint("outlet_id", "publication_id", "revision", "hash", "day"),
    )
    with op.batch_alter_table("play", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_play_authority_id"), ["authority_id"], unique=False)
        batch_op.create_index("ix_play_publication", ["publication_id"], unique=False)
    op.create_table(
        "incident",
        sa.Column("authority_id", sa.Integer(), nullable=False),
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("outlet_id", sa.Integer(), nullable=False),
        sa.Column("kind", text(), nullable=False),
        sa.Column("detail", sa.JSON(), nullable=False),
        sa.Column("opened", moment(), nullable=False),
        sa.Column("seen", moment(), nullable=False),
        sa.Column("closed", moment(), nullable=True),
        sa.ForeignKeyConstraint(["authority_id"], ["authority.id"]),
        sa.ForeignKeyConstraint(["outlet_id"], ["outlet.id"]),
        sa.PrimaryKeyConstraint("id"),
    )
    with op.batch_alter_table("incident", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_incident_authority_id"), ["authority_id"], unique=False
        )
        batch_op.create_index(batch_op.f("ix_incident_outlet_id"), ["outlet_id"], unique=False)
        batch_op.create_index(
            "ix_incident_open",
            ["outlet_id", "kind"],
            unique=True,
            sqlite_where=sa.text("closed IS NULL"),
            postgresql_where=sa.text("closed IS NULL"),
        )


def downgrade() -> None:
    for table in ("incident", "play", "told_page", "frame", "panel"):
        op.drop_table(table)
    with op.batch_alter_table("display", schema=None) as batch_op:
        batch_op.drop_column("shown_say_no")
