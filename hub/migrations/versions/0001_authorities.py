"""Authorities, stations, members, tokens, outlets."""

import sqlalchemy as sa
from alembic import op

from hub.migrations.types import moment, text

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "authority",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("code", text(), nullable=False),
        sa.Column("name", text(), nullable=False),
        sa.Column("parent_id", sa.Integer(), nullable=True),
        sa.Column("insee", text(), nullable=False),
        sa.Column("timezone", text(), nullable=False),
        sa.Column("languages", sa.JSON(), nullable=False),
        sa.Column("territory", sa.JSON(), nullable=True),
        sa.Column("quiet", sa.JSON(), nullable=False),
        sa.Column("signing_key", text(), nullable=False),
        sa.Column("key_id", text(), nullable=False),
        sa.Column("created", moment(), nullable=False),
        sa.ForeignKeyConstraint(
            ["parent_id"],
            ["authority.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("code"),
    )
    op.create_table(
        "station",
        sa.Column("authority_id", sa.Integer(), nullable=False),
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("code", text(), nullable=False),
        sa.Column("name", text(), nullable=False),
        sa.Column("description", text(), nullable=False),
        sa.Column("created", moment(), nullable=False),
        sa.ForeignKeyConstraint(
            ["authority_id"],
            ["authority.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("code"),
    )
    with op.batch_alter_table("station", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_station_authority_id"), ["authority_id"], unique=False)
    op.create_table(
        "member",
        sa.Column("authority_id", sa.Integer(), nullable=False),
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("email", text(), nullable=False),
        sa.Column("name", text(), nullable=False),
        sa.Column("password_hash", text(), nullable=False),
        sa.Column("roles", sa.JSON(), nullable=False),
        sa.Column("language", text(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("created", moment(), nullable=False),
        sa.Column("last_seen", moment(), nullable=True),
        sa.ForeignKeyConstraint(
            ["authority_id"],
            ["authority.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("email"),
    )
    with op.batch_alter_table("member", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_member_authority_id"), ["authority_id"], unique=False)
    op.create_table(
        "api_token",
        sa.Column("authority_id", sa.Integer(), nullable=False),
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", text(), nullable=False),
        sa.Column("hash", text(), nullable=False),
        sa.Column("roles", sa.JSON(), nullable=False),
        sa.Column("created", moment(), nullable=False),
        sa.Column("last_used", moment(), nullable=True),
        sa.Column("revoked", moment(), nullable=True),
        sa.ForeignKeyConstraint(
            ["authority_id"],
            ["authority.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("hash"),
    )
    with op.batch_alter_table("api_token", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_api_token_authority_id"), ["authority_id"], unique=False
        )
    op.create_table(
        "outlet",
        sa.Column("authority_id", sa.Integer(), nullable=False),
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("code", text(), nullable=False),
        sa.Column("name", text(), nullable=False),
        sa.Column("kind", text(), nullable=False),
        sa.Column("station_id", sa.Integer(), nullable=True),
        sa.Column("tags", sa.JSON(), nullable=False),
        sa.Column("options", sa.JSON(), nullable=False),
        sa.Column("secrets", text(), nullable=False),
        sa.Column("longitude", sa.Float(), nullable=True),
        sa.Column("latitude", sa.Float(), nullable=True),
        sa.Column("paused", sa.Boolean(), nullable=False),
        sa.Column("hidden", sa.Boolean(), nullable=False),
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
        sa.UniqueConstraint("authority_id", "code"),
    )
    with op.batch_alter_table("outlet", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_outlet_authority_id"), ["authority_id"], unique=False)
    op.create_table(
        "contact",
        sa.Column("authority_id", sa.Integer(), nullable=False),
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("outlet_id", sa.Integer(), nullable=False),
        sa.Column("sealed", text(), nullable=False),
        sa.Column("fingerprint", text(), nullable=False),
        sa.Column("language", text(), nullable=False),
        sa.Column("created", moment(), nullable=False),
        sa.Column("gone", moment(), nullable=True),
        sa.ForeignKeyConstraint(
            ["authority_id"],
            ["authority.id"],
        ),
        sa.ForeignKeyConstraint(
            ["outlet_id"],
            ["outlet.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("outlet_id", "fingerprint"),
    )
    with op.batch_alter_table("contact", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_contact_authority_id"), ["authority_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_contact_outlet_id"), ["outlet_id"], unique=False)


def downgrade() -> None:
    op.drop_table("contact")
    op.drop_table("outlet")
    op.drop_table("api_token")
    op.drop_table("member")
    op.drop_table("station")
    op.drop_table("authority")
