"""Ledgers to test against: SQLite always, PostgreSQL where a server answers on localhost."""

import os
import uuid
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import sqlalchemy as sa

from iea40k.arrays import ResidualCodes
from iea40k.store.digests import array_digest
from iea40k.store.ledger import CorrectionDraft, Lane, Ledger, PackedPatch, Patch

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


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Where a new ledger may be opened, on each kind of database."""
    if request.param == "sqlite":
        return str(tmp_path)
    url: str = request.getfixturevalue("postgresql_url")
    return url


@pytest.fixture
def ledger(place: str) -> Iterator[Ledger]:
    """A new ledger, on each kind of database."""
    with Ledger.open(place, create=True) as opened:
        yield opened


LANE = Lane("s1", "P0", "O'Brien")


def a_base(height: int = 24, width: int = 32, seed: int = 7) -> ResidualCodes:
    """Random codes, with a strip of pixels without valid data at the right."""
    codes = np.random.default_rng(seed).integers(-32640, 32641, (height, width)).astype(np.int16)
    codes[:, -2:] = -32768
    return codes


def a_stroke(
    codes: ResidualCodes, seed: int, *, lane: Lane = LANE, base: ResidualCodes | None = None
) -> tuple[CorrectionDraft, ResidualCodes]:
    """A random stroke on `codes`, and the codes after it."""
    rng = np.random.default_rng(seed)
    height, width = codes.shape
    top, left = int(rng.integers(0, height - 4)), int(rng.integers(0, width - 6))
    touched = np.zeros(codes.shape, np.bool_)
    touched[top : top + 4, left : left + 4] = rng.random((4, 4)) < 0.7
    touched[top, left] = True
    after = codes.copy()
    after[touched] = rng.integers(-32640, 32641, int(touched.sum()))
    patch = Patch.between(codes, after, touched)
    assert patch is not None
    draft = CorrectionDraft(
        lane=lane,
        image_shape=(height, width),
        base_digest=array_digest(codes if base is None else base),
        kind="brush",
        patch=PackedPatch.of(patch),
        tool={"radius": 4},
    )
    return draft, after
