"""Audiences as integers and cells; turns of authorities, breakers of push hosts."""

import json

import sqlalchemy as sa
from alembic import op

from hub.migrations.types import big, moment, text

revision = "0008_fanout"
down_revision = "0008_agenda"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("delivery", schema=None) as batch_op:
        batch_op.add_column(sa.Column("ninetynine_at", moment(), nullable=True))
    op.create_index("ix_attempt_shard_id", "attempt", ["shard_id"])
    op.create_table(
        "turn",
        sa.Column("authority_id", sa.Integer(), nullable=False),
        sa.Column("lane", text(), nullable=False),
        sa.Column("at", big(), nullable=False),
        sa.ForeignKeyConstraint(["authority_id"], ["authority.id"]),
        sa.PrimaryKeyConstraint("authority_id", "lane"),
    )
    op.create_table(
        "breaker",
        sa.Column("host", text(), nullable=False),
        sa.Column("until", moment(), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("since", moment(), nullable=False),
        sa.Column("reason", text(), nullable=False),
        sa.PrimaryKeyConstraint("host"),
    )
    for name, kind, value in (
        ("wishes", sa.BigInteger(), "0"),
        ("least", sa.Integer(), "0"),
        ("reach", sa.Integer(), "2"),
    ):
        with op.batch_alter_table("follow", schema=None) as batch_op:
            batch_op.add_column(sa.Column(name, kind, nullable=False, server_default=value))
    with op.batch_alter_table("follow", schema=None) as batch_op:
        batch_op.drop_index("ix_follow_station")
        batch_op.create_index(
            "ix_follow_audience", ["station_id", "subscription_id", "reach", "least", "wishes"]
        )
    op.create_table(
        "follow_cell",
        sa.Column("station_id", sa.Integer(), nullable=False),
        sa.Column("cell", sa.BigInteger(), nullable=False),
        sa.Column("subscription_id", sa.BigInteger(), nullable=False),
        sa.Column("wishes", sa.BigInteger(), nullable=False),
        sa.Column("least", sa.Integer(), nullable=False),
        sa.Column("reach", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["station_id"], ["station.id"]),
        sa.ForeignKeyConstraint(["subscription_id"], ["subscription.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("station_id", "cell", "subscription_id"),
        sqlite_with_rowid=False,
    )
    with op.batch_alter_table("follow_cell", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_follow_cell_subscription_id"), ["subscription_id"], unique=False
        )
    if op.get_bind().dialect.name == "postgresql":
        op.create_index(
            "ix_follow_cell_audience",
            "follow_cell",
            ["station_id", "cell"],
            postgresql_include=["subscription_id", "reach", "least", "wishes"],
        )
    _fill(op.get_bind())


def _fill(connection: sa.Connection) -> None:
    """What the new columns say of the rows that are there; nobody chose a cell yet."""
    bits: dict[str, int] = {}
    wished = connection.execute(sa.text("SELECT DISTINCT CAST(categories AS TEXT) FROM follow"))
    for (written,) in wished.all():
        mask = 0
        for key in json.loads(written):
            mask |= 1 << bits.setdefault(key, min(len(bits), 62))
        connection.execute(
            sa.text("UPDATE follow SET wishes = :mask WHERE CAST(categories AS TEXT) = :written"),
            {"mask": mask, "written": written},
        )
    connection.execute(
        sa.text(
            "INSERT INTO memo (name, number, text, at) VALUES ('wishes', 0, :bits, :at)"
        ).bindparams(sa.bindparam("at", type_=moment())),
        {"bits": json.dumps(bits), "at": _now()},
    )
    connection.execute(
        sa.text(
            "UPDATE follow SET"
            " least = (SELECT CASE s.min_severity WHEN 'Minor' THEN 1 WHEN 'Moderate' THEN 2"
            " WHEN 'Severe' THEN 3 WHEN 'Extreme' THEN 4 ELSE 0 END"
            " FROM subscription s WHERE s.id = follow.subscription_id),"
            " reach = (SELECT CASE s.state WHEN 'active' THEN 2 WHEN 'dormant' THEN 1 ELSE 0 END"
            " FROM subscription s WHERE s.id = follow.subscription_id)"
        )
    )
    connection.execute(
        sa.text(
            "INSERT INTO follow_cell (station_id, cell, subscription_id, wishes, least, reach)"
            " SELECT station_id, 0, subscription_id, wishes, least, reach FROM follow"
        )
    )


def _now() -> object:
    from hub import clock

    return clock.now()


def downgrade() -> None:
    op.drop_table("follow_cell")
    with op.batch_alter_table("follow", schema=None) as batch_op:
        batch_op.drop_index("ix_follow_audience")
        batch_op.create_index("ix_follow_station", ["station_id", "subscription_id"])
        for name in ("wishes", "least", "reach"):
            batch_op.drop_column(name)
    op.drop_table("breaker")
    op.drop_table("turn")
    op.drop_index("ix_attempt_shard_id", "attempt")
    with op.batch_alter_table("delivery", schema=None) as batch_op:
        batch_op.drop_column("ninetynine_at")
    op.execute("DELETE FROM memo WHERE name = 'wishes'")
