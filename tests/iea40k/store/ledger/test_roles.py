"""What each role can do, found out by trying, over connections that log in as that role."""

import uuid
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
import sqlalchemy as sa

from iea40k.errors import IEAError, LedgerError
from iea40k.store.layout import Store
from iea40k.store.ledger import Lane, Ledger, Queue, TaskRequest, add_tasks
from iea40k.store.ledger.consistency import Consistency, own_consistency
from iea40k.store.ledger.database import Database
from iea40k.store.ledger.people import assign, set_annotator
from iea40k.store.ledger.roles import install_roles
from tests.builders import built_scene
from tests.iea40k.store.ledger.conftest import a_base, a_stroke
from tests.iea40k.store.ledger.test_consistency import paint

pytestmark = pytest.mark.postgres


@dataclass(frozen=True)
class Team:
    owner: Ledger
    anna: Ledger
    boris: Ledger
    curator: Ledger
    stranger: Ledger


@pytest.fixture
def team(postgresql_url: str, postgresql_server: sa.Engine) -> Iterator[Team]:
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


def refused(ledger: Ledger, statement: str) -> str:
    with pytest.raises(IEAError) as caught, ledger.database.write() as connection:
        connection.execute(sa.text(statement))
    return caught.value.letter()


def scalar(ledger: Ledger, query: str) -> object:
    with ledger.database.read() as connection:
        return connection.execute(sa.text(query)).scalar_one()


def count(ledger: Ledger, statement: str) -> int:
    with ledger.database.write() as connection:
        return connection.execute(sa.text(statement)).rowcount


def test_the_whole_work_runs_under_the_roles(team: Team) -> None:
    add_tasks(team.curator, [TaskRequest("s1", "P0", 1, slots=2), TaskRequest("s2", "P0", 0.5)], "carla")
    assert assign(team.curator, ["boris"], "carla", count=1) == {"boris": 1}
    for ledger, name in ((team.anna, "anna"), (team.boris, "boris")):
        queue = Queue(ledger)
        lease = queue.lease(name)
        assert lease is not None
        lease = queue.heartbeat(lease)
        ledger.append_correction(a_stroke(a_base(), 1, lane=lease.lane)[0], lease)
        ledger.undo(lease.lane, lease)
        ledger.redo(lease.lane, lease)
        queue.flag(lease, "a lamp")
        queue.submit(lease)
        Queue(team.curator).begin_review(lease.lane, "carla")
        Queue(team.curator).accept(lease.lane, "carla")
    assert team.owner.cursor() > 0
    assert list(team.curator.tampering()) == []


def test_an_annotator_takes_back_a_lease_that_ran_out_and_no_other(team: Team) -> None:
    add_tasks(team.curator, [TaskRequest("s1", "P0", 1), TaskRequest("s2", "P0", 0.5)], "carla")
    assert Queue(team.boris).lease("boris", ttl_seconds=-1) is not None
    lease = Queue(team.anna).lease("anna")
    assert lease is not None
    assert lease.lane.scene_id == "s1"
    other = Queue(team.boris).lease("boris")
    assert other is not None
    assert (
        count(
            team.anna,
            "UPDATE assignments SET state = 'expired' WHERE annotator = 'boris' AND state = 'leased'",
        )
        == 0
    )


def test_an_annotator_appends_only_as_himself(team: Team) -> None:
    draft, _ = a_stroke(a_base(), 1, lane=Lane("s1", "P0", "anna"))
    team.anna.append_correction(draft)
    with pytest.raises(LedgerError, match="does not allow"):
        team.boris.append_correction(replace(a_stroke(a_base(), 2)[0], lane=Lane("s1", "P0", "anna")))
    with pytest.raises(LedgerError, match="does not allow"):
        team.curator.append_correction(replace(a_stroke(a_base(), 2)[0], lane=Lane("s1", "P0", "anna")))
    add_tasks(team.curator, [TaskRequest("s1", "P1", 1)], "carla")
    with pytest.raises(LedgerError, match="does not allow"):
        Queue(team.boris).lease("anna")


def test_experts_are_blind_to_each_other_and_curators_are_not(team: Team) -> None:
    lane = Lane("s1", "P0", "anna")
    team.anna.append_correction(a_stroke(a_base(), 1, lane=lane)[0])
    assert len(team.anna.corrections(lane)) == 1
    assert team.boris.corrections(lane) == []
    assert len(team.curator.corrections(lane)) == 1
    team.boris.append_correction(a_stroke(a_base(), 2, lane=Lane("s1", "P0", "boris"))[0])
    assert list(team.curator.tampering()) == []


def test_an_annotator_learns_how_close_he_is_to_himself_and_to_gold_and_not_others(
    team: Team, tmp_path: Path
) -> None:
    store = Store.create(tmp_path / "store")
    store.write_scene(built_scene("s0"))
    add_tasks(team.curator, [TaskRequest("s0", "P1", 2, slots=2)], "carla")
    add_tasks(team.curator, [TaskRequest("s0", "P1", 1, purpose="repeat")], "carla")
    add_tasks(team.curator, [TaskRequest("s0", "P1", 1, purpose="adjudication")], "carla")
    codes = {"anna": 100, "boris": -300, "carla": 500, "repeat": 140}
    for ledger, name, purpose in (
        (team.anna, "anna", "expert"),
        (team.boris, "boris", "expert"),
        (team.anna, "anna", "repeat"),
        (team.curator, "carla", "adjudication"),
    ):
        lease = Queue(ledger).lease(name, purposes=(purpose,))
        assert lease is not None
        paint(ledger, store, lease, codes["repeat" if purpose == "repeat" else name])
    judged = Lane("s0", "P1", "carla", "adjudication")
    Queue(team.curator).accept(judged, "carla")
    Queue(team.curator).accept(Lane("s0", "P1", "anna"), "carla")

    found = own_consistency(team.anna, store, "anna")
    assert found.gold_difference == pytest.approx(400 / 32640)
    assert (found.repeats, found.gold) == (1, 1)
    assert found == own_consistency(team.curator, store, "anna") == own_consistency(team.owner, store, "anna")

    strokes = "SELECT count(*) FROM ledger_gold_strokes('s0', 'P1', 'carla')"
    assert scalar(team.anna, strokes) == 1
    # Boris' map is not accepted yet: he learns nothing of the answer, and of Anna nothing ever.
    assert scalar(team.boris, strokes) == 0
    assert own_consistency(team.boris, store, "boris").gold == 0
    assert own_consistency(team.boris, store, "anna") == Consistency("anna", 0, None, 0, None)
    assert scalar(team.anna, "SELECT count(*) FROM ledger_gold_strokes('s0', 'P1', 'boris')") == 0
    assert team.anna.corrections(judged) == []
    assert "permission denied" in refused(team.stranger, strokes)


def test_nobody_rewrites_history(team: Team) -> None:
    team.anna.append_correction(a_stroke(a_base(), 1, lane=Lane("s1", "P0", "anna"))[0])
    add_tasks(team.curator, [TaskRequest("s1", "P1", 1)], "carla")
    for ledger in (team.anna, team.curator, team.owner):
        for table in ("corrections", "zone_edits", "events"):
            for statement in (
                f"UPDATE {table} SET annotator = 'x'",
                f"DELETE FROM {table}",
                f"TRUNCATE {table}",
            ):
                if table == "zone_edits" and ledger is team.owner and not statement.startswith("TRUNC"):
                    continue  # an empty table has no row to refuse
                refused(ledger, statement)
        refused(ledger, "DELETE FROM assignments") if ledger is not team.owner else None
    for ledger in (team.anna, team.curator):
        for statement in (
            "UPDATE counter SET value = 0",
            "UPDATE heads SET hash = ''",
            "DELETE FROM heads",
            "ALTER TABLE corrections DISABLE TRIGGER ALL",
            "DROP TRIGGER corrections_no_change ON corrections",
            "ALTER TABLE corrections DISABLE ROW LEVEL SECURITY",
            "DROP TABLE corrections",
            "DELETE FROM tasks",
        ):
            refused(ledger, statement)
    assert list(team.owner.tampering()) == []


def test_an_annotator_neither_fills_the_queue_nor_judges_nor_renames_himself(team: Team) -> None:
    add_tasks(team.curator, [TaskRequest("s1", "P0", 1)], "carla")
    with pytest.raises(LedgerError, match="does not allow"):
        add_tasks(team.anna, [TaskRequest("s2", "P0", 9)], "anna")
    with pytest.raises(LedgerError, match="does not allow"):
        assign(team.anna, ["anna"], "anna")
    queue = Queue(team.anna)
    lease = queue.lease("anna")
    assert lease is not None
    queue.submit(lease, verdict="base is right")
    with pytest.raises(LedgerError, match="does not allow"):
        queue.accept(lease.lane, "anna")
    refused(team.anna, "UPDATE tasks SET free = 5")
    refused(team.anna, "UPDATE annotators SET login = current_user WHERE name = 'boris'")
    with pytest.raises(LedgerError, match="does not allow"):
        Queue(team.curator).begin_review(lease.lane, "anna")


def test_a_login_that_nobody_entered_gets_nothing(team: Team) -> None:
    assert "permission denied" in refused(team.stranger, "SELECT * FROM corrections")
    assert "permission denied" in refused(team.stranger, "SELECT ledger_next_entry()")
    set_annotator(team.curator, "anna", active=False)
    with pytest.raises(LedgerError, match="does not allow"):
        team.anna.append_correction(a_stroke(a_base(), 1, lane=Lane("s1", "P0", "anna"))[0])


def test_a_group_role_is_nobody(team: Team) -> None:
    with team.anna.database.engine.connect() as connection:
        group = connection.execute(
            sa.text(
                "SELECT r.rolname FROM pg_auth_members m JOIN pg_roles r ON r.oid = m.roleid "
                "JOIN pg_roles me ON me.oid = m.member WHERE me.rolname = current_user"
            )
        ).scalar_one()
        connection.execute(sa.text(f"SET ROLE {group}"))
        assert connection.execute(sa.text("SELECT ledger_person(current_user)")).scalar_one() is None


def test_sqlite_has_no_roles(tmp_path: object) -> None:
    with (
        Ledger.open(str(tmp_path), create=True) as ledger,
        pytest.raises(LedgerError, match="only a ledger on"),
    ):
        install_roles(ledger)
