"""Alembic's environment: the tables of hub.models on the connection that migrate.upgrade gives."""

from alembic import context
from sqlmodel import SQLModel

from hub import db, models

__all__ = ["models"]  # the tables are known once the package is imported


def run() -> None:
    connection = context.config.attributes.get("connection")
    if connection is None:
        with db.engine().connect() as own:
            _on(own)
            own.commit()
    else:
        _on(connection)


def _on(connection: object) -> None:
    context.configure(
        connection=connection,  # type: ignore[arg-type]
        target_metadata=SQLModel.metadata,
        render_as_batch=True,
        compare_type=True,
    )
    with context.begin_transaction():
        context.run_migrations()


run()
