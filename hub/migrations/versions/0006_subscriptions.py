"""Anonymous subscriptions and push identities."""

import sqlalchemy as sa
from alembic import op

from hub.migrations.types import big, moment, text

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "push_identity",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("hostname", text(), nullable=False),
        sa.Column("public_key", text(), nullable=False),
        sa.Column("private_key", text(), nullable=False),
        sa.Column("created", moment(), nullable=False),
        sa.Column("retired", moment(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("public_key"),
    )
    op.create_table(
        "subscription",
        sa.Column("id", big(), nullable=False),
        sa.Column("token_hash", text(), nullable=False),
        sa.Column("push_identity_id", sa.Integer(), nullable=False),
        sa.Column("endpoint", text(), nullable=False),
        sa.Column("host", text(), nullable=False),
        sa.Column("p256dh", text(), nullable=False),
        sa.Column("auth", text(), nullable=False),
        sa.Column("state", text(), nullable=False),
        sa.Column("confirm", text(), nullable=False),
        sa.Column("language", text(), nullable=False),
        sa.Column("min_severity", text(), nullable=False),
        sa.Column("cells", sa.JSON(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("failing_since", moment(), nullable=True),
        sa.Column("created", moment(), nullable=False),
        sa.Column("seen", moment(), nullable=False),
        sa.ForeignKeyConstraint(
            ["push_identity_id"],
            ["push_identity.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("endpoint"),
        sa.UniqueConstraint("token_hash"),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("subscription", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_subscription_push_identity_id"), ["push_identity_id"], unique=False
        )
        batch_op.create_index("ix_subscription_state", ["state", "id"], unique=False)
    op.create_table(
        "follow",
        sa.Column("authority_id", sa.Integer(), nullable=False),
        sa.Column("id", big(), nullable=False),
        sa.Column("subscription_id", big(), nullable=False),
        sa.Column("station_id", sa.Integer(), nullable=False),
        sa.Column("categories", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(
            ["authority_id"],
            ["authority.id"],
        ),
        sa.ForeignKeyConstraint(
            ["station_id"],
            ["station.id"],
        ),
        sa.ForeignKeyConstraint(["subscription_id"], ["subscription.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("subscription_id", "station_id"),
    )
    with op.batch_alter_table("follow", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_follow_authority_id"), ["authority_id"], unique=False)
        batch_op.create_index("ix_follow_station", ["station_id", "subscription_id"], unique=False)


def downgrade() -> None:
    op.drop_table("follow")
    op.drop_table("subscription")
    op.drop_table("push_identity")
