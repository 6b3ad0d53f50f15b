import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy import event

from iea40k.errors import BadInputError, CorruptDataError, LedgerError, LedgerUnavailableError
from iea40k.store.ledger import (
    Correction,
    Ledger,
    MapKey,
    Outbox,
    Queue,
    TaskRequest,
    ZoneEdit,
    add_tasks,
    journal,
)
from iea40k.store.ledger.place import Mount, ledger_url, network_filesystem, refuse_network, shown
from tests.iea40k.store.ledger.conftest import MAP, a_base, a_stroke

MOUNTS = [
    Mount("/", "ext4", "rw"),
    Mount("/mnt/team", "nfs4", "rw,vers=4.2"),
    Mount("/mnt/team/fast", "xfs", "rw"),
    Mount("/mnt/ssh", "fuse.sshfs", "rw"),
    Mount("/mnt/usb", "fuseblk", "rw"),
    Mount("/twice", "ext4", "rw"),
    Mount("/twice", "cifs", "rw"),
]


@pytest.mark.parametrize(
    ("folder", "kind"),
    [
        ("/home/a/store", None),
        ("/mnt/team/store", "nfs4"),
        ("/mnt/teamwork", None),
        ("/mnt/team/fast/store", None),
        ("/mnt/ssh", "fuse.sshfs"),
        ("/mnt/usb/store", None),
        ("/twice/store", "cifs"),
    ],
)
def test_the_deepest_mount_decides(folder: str, kind: str | None) -> None:
    assert network_filesystem(PurePosixPath(folder), MOUNTS) == kind


def test_windows_drives_and_shares() -> None:
    drives = [Mount("C:\\", "NTFS", "rw,fixed"), Mount("Z:\\", "NTFS", "rw,remote")]
    assert network_filesystem(PureWindowsPath("C:/store"), drives) is None
    assert network_filesystem(PureWindowsPath("Z:/store"), drives) == "NTFS"
    assert network_filesystem(PureWindowsPath("//server/share/store"), drives) == "a network share"


def test_a_network_disk_is_refused_with_a_way_out(tmp_path: Path) -> None:
    with pytest.raises(LedgerError, match="postgresql://"):
        refuse_network(tmp_path / "ledger.sqlite", [Mount(str(Path(tmp_path.anchor)), "nfs", "rw")])
    refuse_network(tmp_path / "ledger.sqlite")


def test_a_password_is_in_no_message() -> None:
    url = ledger_url("postgresql://anna:s3cret@127.0.0.1:1/ledger")
    assert "s3cret" not in shown(url)
    with pytest.raises(LedgerUnavailableError) as caught:
        Ledger.open("postgresql://anna:s3cret@127.0.0.1:1/ledger")
    assert "s3cret" not in str(caught.value)
    assert "s3cret" not in str(caught.value.__cause__)


@pytest.mark.parametrize("place", ["mysql://x/y", "https://x:pw@y", "sqlite://", "postgresql://[bad:pw"])
def test_other_places_are_refused(place: str) -> None:
    with pytest.raises(BadInputError) as caught:
        Ledger.open(place)
    assert "pw" not in str(caught.value)


def test_a_missing_store_and_a_missing_ledger(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match="no such store"):
        Ledger.open(tmp_path / "nowhere", create=True)
    with pytest.raises(LedgerError, match="no ledger here yet"):
        Ledger.open(tmp_path)


def test_a_newer_schema_is_refused(place: str) -> None:
    with Ledger.open(place, create=True) as ledger, ledger.database.write() as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(LedgerError, match="newer version"):
        Ledger.open(place, create=True)


def test_the_revisions_that_are_known_are_those_that_there_are() -> None:
    from alembic.config import Config
    from alembic.script import ScriptDirectory

    from iea40k.store.ledger import migrate

    config = Config()
    config.set_main_option("script_location", str(migrate._SCRIPTS))
    config.set_main_option("path_separator", "os")
    scripts = ScriptDirectory.from_config(config)
    assert [s.revision for s in scripts.walk_revisions()][::-1] == list(migrate.REVISIONS)
    assert scripts.get_current_head() == migrate.newest_revision()


def test_opening_a_ledger_does_not_import_what_makes_tables(tmp_path: Path) -> None:
    Ledger.open(tmp_path, create=True).close()
    code = (
        "import sys; from iea40k.store.ledger import Ledger; "
        f"Ledger.open({str(tmp_path)!r}).close(); assert 'alembic' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize("revision", ["0001", "0002", "0003"])
def test_an_older_ledger_is_refused_until_it_is_upgraded_and_loses_nothing(place: str, revision: str) -> None:
    from iea40k.store.ledger.database import Database
    from iea40k.store.ledger.migrate import upgrade

    old = Database(ledger_url(place), make=True)
    upgrade(old, revision)
    with old.alone() as connection:
        recorded = journal.append_draft(old, connection, a_stroke(a_base(), 1)[0], None)
    with pytest.raises(LedgerError, match="older version"):
        Ledger.open(place)
    with pytest.raises(LedgerError, match="queue STORE upgrade"):
        Ledger.open(place, create=True)
    upgrade(old)
    upgrade(old)
    old.close()
    with Ledger.open(place) as ledger:
        assert ledger.corrections(MAP) == [recorded]
        assert list(ledger.tampering()) == []


def test_a_file_that_is_no_database_is_named_and_kept(tmp_path: Path) -> None:
    file = tmp_path / "ledger.sqlite"
    file.write_bytes(b"not a database at all" * 100)
    with pytest.raises(CorruptDataError, match="damaged"):
        Ledger.open(tmp_path, create=True)
    assert file.read_bytes() == b"not a database at all" * 100


def test_a_full_disk_loses_nothing_that_was_acknowledged(tmp_path: Path) -> None:
    base = a_base()
    with Ledger.open(tmp_path, create=True) as ledger:
        # SQLite answers a full disk and a full page budget alike; the budget holds for one connection.
        with ledger.database.engine.connect() as connection:
            connection.exec_driver_sql("PRAGMA max_page_count = 40")
        kept: list[Correction] = []
        with pytest.raises(LedgerUnavailableError, match="disk is full"):
            kept.extend(ledger.append_correction(a_stroke(base, number)[0]) for number in range(1000))
        assert kept
        assert ledger.corrections(MAP) == kept
    with Ledger.open(tmp_path) as ledger:
        assert list(ledger.tampering()) == []
        ledger.append_correction(a_stroke(base, 1)[0])


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 1 MiB."""
    place = tmp_path / "small"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(place)]
    if sys.platform != "linux" or subprocess.run(mount, capture_output=True, check=False).returncode != 0:
        pytest.skip("only root on Linux can mount a small disk")
    try:
        yield place
    finally:
        subprocess.run(["umount", str(place)], check=True)


def test_a_disk_that_is_really_full_costs_no_stroke_and_the_rest_goes_in_later(
    small_disk: Path, tmp_path: Path
) -> None:
    base, box = a_base(), Outbox(tmp_path / "box")
    with Ledger.open(small_disk, create=True) as ledger:
        kept: list[Correction | ZoneEdit] = []
        number = 0
        while len(box) == 0:
            draft = a_stroke(base, number)[0]
            try:
                kept.append(ledger.append(draft))
            except LedgerUnavailableError:
                box.put(draft)
            number += 1
            assert number < 5000
        assert len(kept) > 20
        with pytest.raises(LedgerUnavailableError, match="disk is full"):
            ledger.append_correction(a_stroke(base, number, map_key=MapKey("s2", "P0", "A"))[0])
        assert ledger.corrections(MAP) == kept
        assert box.submit(ledger, lambda _: None).recorded == 0
        subprocess.run(["mount", "-o", "remount,size=8m", str(small_disk)], check=True)
        assert box.submit(ledger, lambda _: None).recorded == 1
        assert len(ledger.corrections(MAP)) == number
    with Ledger.open(small_disk) as ledger:
        assert list(ledger.tampering()) == []


def test_a_ledger_that_cannot_be_made_on_a_full_disk_says_so(small_disk: Path) -> None:
    (small_disk / "big").write_bytes(b"x" * (1 << 20))
    with pytest.raises(LedgerUnavailableError, match="full"):
        Ledger.open(small_disk, create=True)
    (small_disk / "big").unlink()
    with Ledger.open(small_disk, create=True) as ledger:
        assert ledger.cursor() == 0


def _write_while_killed(ledger: Ledger, killer: sa.Engine, kill: sa.TextClause) -> None:
    with ledger.database.write() as mine:
        journal.next_place(ledger.database, mine, "corrections", "s1", "P0")
        with killer.connect() as connection:
            connection.execute(kill)
        journal.next_place(ledger.database, mine, "corrections", "s1", "P0")


@pytest.mark.postgres
def test_a_server_that_goes_away_and_returns(postgresql_url: str) -> None:
    base = a_base()
    killer = sa.create_engine(sa.make_url(postgresql_url), isolation_level="AUTOCOMMIT")
    kill = sa.text(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database()"
        " AND pid <> pg_backend_pid()"
    )
    with Ledger.open(postgresql_url, create=True) as ledger:
        ledger.append_correction(a_stroke(base, 1)[0])
        with killer.connect() as connection:
            connection.execute(kill)
        # Idle connections died unseen: the next stroke finds a living one by itself.
        ledger.append_correction(a_stroke(base, 2)[0])
        with pytest.raises(LedgerUnavailableError, match="cannot be reached"):
            _write_while_killed(ledger, killer, kill)
        ledger.append_correction(a_stroke(base, 3)[0])
        assert len(ledger.corrections(MAP)) == 3
        assert ledger.cursor() == 3
    killer.dispose()


@pytest.mark.postgres
@pytest.mark.parametrize("when", ["before", "during"])
def test_work_goes_on_after_the_server_dropped_everybody(postgresql_url: str, when: str) -> None:
    """Every connection is ended between or inside a lease, a heartbeat and a submission: nothing is half done."""
    killer = sa.create_engine(sa.make_url(postgresql_url), isolation_level="AUTOCOMMIT")

    def drop_all() -> None:
        query = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database()"
        with killer.connect() as connection:
            connection.execute(sa.text(f"{query} AND pid <> pg_backend_pid()"))

    with Ledger.open(postgresql_url, create=True) as ledger:
        add_tasks(ledger, [TaskRequest("s1", "P0", 1)], "c")
        queue = Queue(ledger)

        def trying(step: Callable[[], Any]) -> Any:
            """Do one step while the server drops everybody, then again as a window does."""
            if when == "before":
                drop_all()
                return step()
            armed = [True]

            def drop(*_: object) -> None:
                if armed:
                    armed.clear()
                    drop_all()

            event.listen(ledger.database.engine, "after_cursor_execute", drop)
            try:
                with pytest.raises(LedgerUnavailableError):
                    step()
            finally:
                event.remove(ledger.database.engine, "after_cursor_execute", drop)
            return step()

        lease = trying(lambda: queue.lease("A"))
        assert lease is not None
        lease = trying(lambda: queue.heartbeat(lease))
        draft = a_stroke(a_base(), 1, map_key=lease.map_key)[0]
        trying(lambda: ledger.append_correction(draft, lease))
        trying(lambda: queue.submit(lease))
        assert queue.state(lease.map_key) == "submitted"
        assert len(ledger.corrections(lease.map_key)) == 1
        assert list(ledger.tampering()) == []
        assert ledger.cursor() == 4  # added, leased, drawn, submitted: no number was lost or used twice
    killer.dispose()


def test_wal_and_full_synchronisation_are_on(tmp_path: Path) -> None:
    with Ledger.open(tmp_path, create=True) as ledger, ledger.database.read() as connection:
        found = [
            connection.exec_driver_sql(f"PRAGMA {p}").scalar_one() for p in ("journal_mode", "synchronous")
        ]
    assert found == ["wal", 2]


def test_closing_leaves_one_file_with_everything_in_it(tmp_path: Path) -> None:
    with Ledger.open(tmp_path, create=True) as ledger:
        ledger.append_correction(a_stroke(a_base(), 1)[0])
    sizes = {p.name: p.stat().st_size > 0 for p in tmp_path.iterdir()}
    assert sizes == {"ledger.sqlite": True} | ({"ledger.sqlite-turns": False} if len(sizes) > 1 else {})
    with sqlite3.connect(tmp_path / "ledger.sqlite") as raw:
        assert raw.execute("SELECT count(*) FROM corrections").fetchone() == (1,)
    raw.close()
