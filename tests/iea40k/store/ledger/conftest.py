"""Ledgers to test against: SQLite always, PostgreSQL where a server answers on localhost."""

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import sqlalchemy as sa

from iea40k.arrays import ResidualCodes
from iea40k.store.digests import array_digest
from iea40k.store.ledger import (
    REFERENCE,
    CorrectionDraft,
    Lease,
    Ledger,
    MapKey,
    PackedPatch,
    Patch,
    step_draft,
)
from iea40k.store.ledger.database import Database
from iea40k.store.ledger.people import set_annotator
from iea40k.store.ledger.roles import install_roles


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


MAP = MapKey("s1", "P0", "O'Brien")


def undo(ledger: Ledger, map_key: MapKey, lease: Lease | None = None, *, again: bool = False) -> bool:
    """Take back the last standing stroke as the annotator does; False where there is none."""
    reference = map_key.level == REFERENCE
    draft = step_draft(ledger.zone_edits(map_key) if reference else ledger.corrections(map_key), redo=again)
    if draft is not None:
        ledger.append(draft, lease)
    return draft is not None


def redo(ledger: Ledger, map_key: MapKey, lease: Lease | None = None) -> bool:
    """Bring back what the last undo took; False where a stroke was drawn since, or nothing was undone."""
    return undo(ledger, map_key, lease, again=True)


def a_base(height: int = 24, width: int = 32, seed: int = 7) -> ResidualCodes:
    """Random codes, with a strip of pixels without valid data at the right."""
    codes = np.random.default_rng(seed).integers(-32640, 32641, (height, width)).astype(np.int16)
    codes[:, -2:] = -32768
    return codes


def a_stroke(
    codes: ResidualCodes, seed: int, *, map_key: MapKey = MAP, base: ResidualCodes | None = None
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
        map_key=map_key,
        image_shape=(height, width),
        base_digest=array_digest(codes if base is None else base),
        kind="brush",
        patch=PackedPatch.of(patch),
        tool={"radius": 4},
    )
    return draft, after


@dataclass(frozen=True)
class Team:
    """A ledger on PostgreSQL, opened under each role's login."""

    owner: Ledger
    anna: Ledger
    boris: Ledger
    curator: Ledger
    stranger: Ledger


@pytest.fixture
def team(postgresql_url: str, postgresql_server: sa.Engine) -> Iterator[Team]:
    """Two annotators, a curator, the owner, and a login that nobody entered."""
    tag = f"t{uuid.uuid4().hex[:8]}"
    url = sa.make_url(postgresql_url)
    logins = {name: f"{tag}_{name}" for name in ("anna", "boris", "carla", "eve")}
    owner = Ledger.open(postgresql_url, create=True)
    groups = install_roles(owner, tag)
    assert install_roles(owner, tag) == groups
    with postgresql_server.connect() as connection:
        for name, login in logins.items():
            connection.execute(sa.text(f"CREATE ROLE {login} LOGIN"))
            if name != "eve":
                connection.execute(sa.text(f"GRANT {groups[name == 'carla']} TO {login}"))
    for name in ("anna", "boris", "carla"):
        set_annotator(owner, name, login=logins[name])
    opened = [owner]
    try:
        opened += [
            Ledger.open(url.set(username=logins[name]).render_as_string(hide_password=False))
            for name in ("anna", "boris", "carla")
        ]
        eve = Ledger(Database(url.set(username=logins["eve"], drivername="postgresql+psycopg")))
        yield Team(*opened, eve)
        eve.close()
    finally:
        for ledger in opened:
            ledger.close()
        cleaner = sa.create_engine(url, isolation_level="AUTOCOMMIT")
        with cleaner.connect() as connection:
            for role in (*logins.values(), *groups):
                connection.execute(sa.text(f"DROP OWNED BY {role}"))
        cleaner.dispose()
        with postgresql_server.connect() as connection:
            for role in (*logins.values(), *groups):
                connection.execute(sa.text(f"DROP ROLE {role}"))
