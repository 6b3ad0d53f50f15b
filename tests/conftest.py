"""What every test may use: the real photographs, where they are, and a PostgreSQL server, where one answers."""

import os
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from hypothesis import settings

# How long an example takes says something of the machine, not of the code.
settings.register_profile("patient", deadline=None)
settings.load_profile("patient")


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of real photographs (IEA40K_REAL_DATA); the test is skipped where it is absent."""
    folder = os.environ.get("IEA40K_REAL_DATA", "")
    if not folder or not Path(folder).is_dir():
        pytest.skip("the real photographs are not here: set IEA40K_REAL_DATA to their folder")
    return Path(folder)


SERVER = os.environ.get("IEA40K_TEST_POSTGRESQL", "postgresql+psycopg://postgres@localhost:5432/postgres")


def _server() -> sa.Engine:
    return sa.create_engine(SERVER, isolation_level="AUTOCOMMIT", connect_args={"connect_timeout": 3})


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[sa.Engine]:
    """A server on which tests may make databases; skips where none answers."""
    pytest.importorskip("psycopg", reason="the driver psycopg is not installed")
    engine = _server()
    try:
        with engine.connect() as connection:
            connection.execute(sa.text("SELECT 1"))
    except sa.exc.OperationalError as error:
        pytest.skip(f"no PostgreSQL server answers (IEA40K_TEST_POSTGRESQL names another): {error.orig}")
    yield engine
    engine.dispose()


@pytest.fixture
def postgresql_url(postgresql_server: sa.Engine) -> Iterator[str]:
    """The URL of an empty database of the test's own, dropped afterwards."""
    name = f"iea40k_test_{uuid.uuid4().hex[:12]}"
    with postgresql_server.connect() as connection:
        connection.execute(sa.text(f"CREATE DATABASE {name}"))
    yield sa.make_url(SERVER).set(database=name).render_as_string(hide_password=False)
    with postgresql_server.connect() as connection:
        connection.execute(sa.text(f"DROP DATABASE {name} WITH (FORCE)"))
