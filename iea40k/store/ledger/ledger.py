"""The ledger: one object to record strokes, take them back, and read what stands."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Self, cast

import sqlalchemy as sa

from iea40k.arrays import ResidualCodes
from iea40k.errors import LeaseLostError, LedgerError
from iea40k.store.ledger import journal
from iea40k.store.ledger.checking import ledger_problems
from iea40k.store.ledger.database import Database
from iea40k.store.ledger.entries import (
    Correction,
    CorrectionDraft,
    Lease,
    MapKey,
    ZoneDraft,
    ZoneEdit,
)
from iea40k.store.ledger.leases import check_in_force, work_of
from iea40k.store.ledger.logins import login_person, sees_all
from iea40k.store.ledger.migrate import check_revision, revision, upgrade
from iea40k.store.ledger.place import ledger_url
from iea40k.store.ledger.replay import Replayed, replay
from iea40k.store.ledger.schema import corrections, counter, events, heads, properties, zone_edits


class Ledger:
    """An open ledger. Threads may share it; a process that forks opens its own. Use it as a context manager.

    Every method that writes returns when the change is on the disk. Any method raises `LedgerUnavailableError` when
    the database cannot be reached or is full, and `LedgerError` where it refuses.
    """

    def __init__(self, database: Database) -> None:
        self.database = database

    @classmethod
    def open(cls, place: str | Path, *, create: bool = False) -> Self:
        """Open the ledger of a store folder, or at a `postgresql://` URL; `create` makes its tables where none are.

        Raises `LedgerError` on a network file system and for an older or newer schema, `BadInputError` where
        `place` is no place for a ledger.
        """
        database = Database(ledger_url(place), make=create)
        try:
            if create and revision(database) is None:
                upgrade(database)
            check_revision(database)
        except BaseException:
            database.close()
            raise
        return cls(database)

    def close(self) -> None:
        """Close the connections; a SQLite ledger leaves one file behind."""
        self.database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def append_correction(self, draft: CorrectionDraft, lease: Lease | None = None) -> Correction:
        """Record a stroke. Sent again, it is recorded once.

        Raises `LeaseLostError` where `lease` is no longer in force, and without one where the image is this
        person's work from the queue. An image that is not in the queue may be painted without a lease.
        """
        return cast("Correction", self._append(draft, lease))

    def append(self, draft: CorrectionDraft | ZoneDraft, lease: Lease | None = None) -> Correction | ZoneEdit:
        """Record a stroke or a zone edit, whichever it is, under the rules of `append_correction`."""
        return self._append(draft, lease)

    def corrections(self, map_key: MapKey, cursor: int | None = None) -> list[Correction]:
        """Return a map's corrections in the order recorded, up to entry `cursor`."""
        with self.database.read() as connection:
            return journal.read_corrections(connection, map_key, cursor)

    def zone_edits(self, map_key: MapKey, cursor: int | None = None) -> list[ZoneEdit]:
        """Return a map's zone edits in the order recorded, up to entry `cursor`."""
        with self.database.read() as connection:
            return journal.read_zone_edits(connection, map_key, cursor)

    def replayed(self, map_key: MapKey, base: ResidualCodes, cursor: int | None = None) -> Replayed:
        """Return the map: `base` (H, W) int16 with its standing strokes, up to entry `cursor`."""
        return replay(base, self.corrections(map_key, cursor))

    def cursor(self) -> int:
        """Return the number of the last entry. What lies up to it never changes."""
        with self.database.read() as connection:
            query = sa.select(counter.c.value).where(counter.c.name == "entry")
            return int(connection.execute(query).scalar_one())

    def painted_scenes(self) -> list[str]:
        """Return the ids of the scenes that have corrections or zone edits, sorted."""
        with self.database.read() as connection:
            drawn = heads.c.journal.in_((corrections.name, zone_edits.name))
            return sorted(connection.execute(sa.select(heads.c.scene_id).where(drawn).distinct()).scalars())

    def shared_scenes(self) -> list[str]:
        """Return the ids of the scenes of which some image was mapped twice or more, sorted.

        By two people, by one person as a hidden repeat, or by an expert and an adjudicator.
        """
        e = events.c
        submitted = sa.select(e.scene_id, e.level, e.annotator, e.purpose).where(e.event == "submit")
        c = corrections.c
        painted = sa.select(c.scene_id, c.level, c.annotator, c.lane).where(c.token.is_(None))
        maps = sa.union(submitted, painted).subquery()
        shared = (
            sa.select(maps.c.scene_id)
            .group_by(maps.c.scene_id, maps.c.level)
            .having(sa.func.count() > 1)
            .distinct()
        )
        with self.database.read() as connection:
            return sorted(connection.execute(shared).scalars())

    def ledger_id(self) -> str:
        """Return the id that this ledger was given when it was made, 32 hex digits."""
        with self.database.read() as connection:
            query = sa.select(properties.c.value).where(properties.c.name == "ledger_id")
            return str(connection.execute(query).scalar_one())

    def clock_skew(self, client_now: Callable[[], int]) -> float:
        """Return how many seconds the ledger's clock is ahead of `client_now()` (microseconds since 1970 UTC).

        The ledger orders by its own numbers and ends leases by its own clock, so a wrong client clock spoils
        nothing but the times that people read.
        """
        with self.database.read() as connection:
            before = client_now()
            ledger = self.database.now(connection)
            return (ledger - (before + client_now()) / 2) / 1e6

    def person(self) -> str | None:
        """Return the name that the ledger knows for this login, None on SQLite and for a login that nobody entered."""
        with self.database.read() as connection:
            return login_person(connection)

    def check_sees_all(self) -> None:
        """Raise `LedgerError` where row-level security shows this login its own rows only.

        For whoever speaks of the ledger as a whole: a release, a verification, a comparison of experts.
        """
        with self.database.read() as connection:
            if sees_all(connection):
                return
        raise LedgerError(
            "this login sees only its own rows of the ledger",
            where=self.database.name,
            expected="the curators' role, or the owner of the tables",
            remedy="let a curator do this",
        )

    def tampering(self) -> Iterator[str]:
        """Yield one line for each thing in the ledger that is not as it was recorded: see `ledger_problems`.

        Raises `LedgerError` for a login that does not see every row.
        """
        self.check_sees_all()
        with self.database.read() as connection:
            yield from ledger_problems(connection)

    def _append(self, draft: CorrectionDraft | ZoneDraft, lease: Lease | None) -> Correction | ZoneEdit:
        if lease is not None and lease.map_key != draft.map_key:
            raise LedgerError(
                "the stroke and the lease are not for the same work",
                expected=str(lease.map_key),
                got=str(draft.map_key),
            )

        with self.database.write(journal=True) as connection:
            recorded = journal.find_recorded(connection, draft)
            if recorded is not None:
                return recorded
            if lease is not None:
                check_in_force(connection, lease)
            else:
                _check_not_queued(connection, draft.map_key)
            return journal.append_draft(self.database, connection, draft, lease.token if lease else None)


def _check_not_queued(connection: sa.Connection, map_key: MapKey) -> None:
    work = work_of(connection, map_key)
    if work is not None:
        raise LeaseLostError(
            "this image is work from the queue: it is painted under its lease, and read-only when it is finished",
            where=f"{map_key.scene_id} {map_key.level}, {map_key.annotator}",
            expected="a lease",
            got=f"none; the work is {work.state}",
            remedy="lease the image, or ask the reviewer to return it",
        )
