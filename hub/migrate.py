"""Bring the database to the present form; every role may at start, a lock lets one pass."""

import fcntl
from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import text

from hub import db, settings

MIGRATIONS = Path(__file__).parent / "migrations"


def config() -> Config:
    made = Config()
    made.set_main_option("script_location", str(MIGRATIONS))
    return made


def upgrade() -> None:
    """`alembic upgrade head`, one process at a time."""
    settings.get().data.mkdir(parents=True, exist_ok=True)
    with open(settings.get().data / "migrate.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with db.engine().connect() as connection:
            postgres = connection.dialect.name == "postgresql"
            if postgres:  # other machines do not see our lock file
                connection.execute(text("SELECT pg_advisory_lock(7203)"))
                connection.commit()
            made = config()
            made.attributes["connection"] = connection
            command.upgrade(made, "head")
            connection.commit()
            if postgres:
                connection.execute(text("SELECT pg_advisory_unlock(7203)"))
                connection.commit()
