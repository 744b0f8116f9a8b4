"""The tables as the migrations make them, on both databases."""

from pathlib import Path

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import inspect
from sqlmodel import SQLModel

from hub import db, migrate, models

TABLES = models.__all__  # importing them fills the metadata


def test_the_migrations_make_what_the_models_say(hub_on_both: Path) -> None:
    with db.engine().connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        differences = compare_metadata(context, SQLModel.metadata)
        if connection.dialect.name == "sqlite":  # made on PostgreSQL only: models/subscription.py
            differences = [d for d in differences if d[1].name != "ix_follow_cell_audience"]
    assert differences == []


def test_no_index_is_the_beginning_of_another(hub_on_both: Path) -> None:
    """It would only cost time at each write: the longer one finds the same."""
    found = []
    inspector = inspect(db.engine())
    for table in inspector.get_table_names():
        keys = [tuple(inspector.get_pk_constraint(table)["constrained_columns"])]
        keys += [tuple(k["column_names"]) for k in inspector.get_unique_constraints(table)]
        indexes = {
            str(index["name"]): tuple(index["column_names"])
            for index in inspector.get_indexes(table)
            if not index.get("dialect_options") and not index["unique"]
        }
        for name, columns in indexes.items():
            longer = [*keys, *(other for n, other in indexes.items() if n != name)]
            found += [name for other in longer if other[: len(columns)] == columns]
    assert sorted(set(found)) == []


def test_every_step_can_be_taken_back_and_again(hub_on_both: Path) -> None:
    with db.engine().connect() as connection:
        config = migrate.config()
        config.attributes["connection"] = connection
        for _ in range(2):
            command.downgrade(config, "0007")
            command.upgrade(config, "head")
            connection.commit()
        assert inspect(connection).has_table("follow_cell")
