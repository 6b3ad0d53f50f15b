"""What each role can do, found out by trying, over connections that log in as that role."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import sqlalchemy as sa

from iea40k.arrays import ResidualCodes
from iea40k.errors import IEAError, LedgerError
from iea40k.store.layout import Store
from iea40k.store.ledger import Ledger, MapKey, Queue, TaskRequest, ZoneDraft, add_tasks
from iea40k.store.ledger.consistency import Consistency, own_consistency
from iea40k.store.ledger.corrected import read_record, residual_base
from iea40k.store.ledger.events import Event, EventKind, TaskKey, append_event
from iea40k.store.ledger.labels import ledger_facts
from iea40k.store.ledger.leases import work_of
from iea40k.store.ledger.people import assign, set_annotator
from iea40k.store.ledger.rereview import stale_maps
from iea40k.store.ledger.roles import install_roles
from iea40k.store.ledger.schema import events
from iea40k.store.ledger.transfer import copy_ledger
from iea40k.store.ledger.zone_replay import zone_draft
from iea40k.zones import zone_change
from pipelines.agreement import measure
from pipelines.cli.program import run
from tests.builders import built_scene
from tests.iea40k.store.ledger.conftest import Team, a_base, a_stroke, redo, undo
from tests.iea40k.store.ledger.test_consistency import paint

pytestmark = pytest.mark.postgres


def refused(ledger: Ledger, statement: str) -> str:
    with pytest.raises(IEAError) as caught, ledger.database.write() as connection:
        connection.execute(sa.text(statement))
    return str(caught.value)


def a_zone_edit(map_key: MapKey) -> ZoneDraft:
    reference = built_scene("s1").reference
    return zone_draft(map_key, reference, zone_change(reference, np.ones(reference.shape[:2], np.bool_), 6.0))


def scalar(ledger: Ledger, query: str) -> object:
    with ledger.database.read() as connection:
        return connection.execute(sa.text(query)).scalar_one()


def test_the_whole_work_runs_under_the_roles(team: Team) -> None:
    add_tasks(team.curator, [TaskRequest("s1", "P0", 1, slots=2), TaskRequest("s2", "P0", 0.5)], "carla")
    assert assign(team.curator, ["boris"], "carla", count=1) == {"boris": 1}
    for ledger, name in ((team.anna, "anna"), (team.boris, "boris")):
        queue = Queue(ledger)
        lease = queue.lease(name)
        assert lease is not None
        lease = queue.heartbeat(lease)
        ledger.append_correction(a_stroke(a_base(), 1, map_key=lease.map_key)[0], lease)
        undo(ledger, lease.map_key, lease)
        redo(ledger, lease.map_key, lease)
        queue.flag(lease, "a lamp")
        queue.submit(lease)
        Queue(team.curator).accept(lease.map_key, "carla")
    assert team.owner.cursor() > 0
    assert list(team.curator.tampering()) == []


def test_an_annotator_takes_back_a_lease_that_ran_out_and_no_other(team: Team) -> None:
    add_tasks(team.curator, [TaskRequest("s1", "P0", 1), TaskRequest("s2", "P0", 0.5)], "carla")
    assert Queue(team.boris).lease("boris", ttl_seconds=-1) is not None
    lease = Queue(team.anna).lease("anna")
    assert lease is not None
    assert lease.map_key.scene_id == "s1"
    other = Queue(team.boris).lease("boris")
    assert other is not None
    assert "permission denied" in refused(team.anna, "UPDATE assignments SET state = 'expired'")


def painted(ledger: Ledger, name: str, seed: int = 1) -> MapKey:
    """Lease the next image as `name` and draw one stroke on it."""
    lease = Queue(ledger).lease(name)
    assert lease is not None
    ledger.append_correction(a_stroke(a_base(), seed, map_key=lease.map_key)[0], lease)
    return lease.map_key


def test_an_annotator_appends_only_as_himself_and_under_a_lease(team: Team) -> None:
    add_tasks(team.curator, [TaskRequest("s0", "P0", 1)], "carla")
    painted(team.anna, "anna")
    # Painted without the queue it would count at once, as an adjudicator's even above all others.
    for purpose in ("expert", "adjudication"):
        free = MapKey("s9", "P0", "anna", purpose)  # type: ignore[arg-type]
        with pytest.raises(LedgerError, match="does not allow"):
            team.anna.append_correction(a_stroke(a_base(), 1, map_key=free)[0])
        with pytest.raises(LedgerError, match="does not allow"):
            team.anna.append(a_zone_edit(replace(free, level="reference")))
    team.curator.append_correction(a_stroke(a_base(), 1, map_key=MapKey("s9", "P0", "carla"))[0])
    with pytest.raises(LedgerError, match="does not allow"):
        team.boris.append_correction(replace(a_stroke(a_base(), 2)[0], map_key=MapKey("s1", "P0", "anna")))
    with pytest.raises(LedgerError, match="does not allow"):
        team.curator.append_correction(replace(a_stroke(a_base(), 2)[0], map_key=MapKey("s1", "P0", "anna")))
    add_tasks(team.curator, [TaskRequest("s1", "P1", 1)], "carla")
    with pytest.raises(LedgerError, match="does not allow"):
        Queue(team.boris).lease("anna")


def test_experts_are_blind_to_each_other_and_curators_are_not(team: Team) -> None:
    add_tasks(team.curator, [TaskRequest("s1", "P0", 1, slots=2)], "carla")
    map_key = painted(team.anna, "anna")
    assert len(team.anna.corrections(map_key)) == 1
    assert team.boris.corrections(map_key) == []
    assert len(team.curator.corrections(map_key)) == 1
    painted(team.boris, "boris", 2)
    assert list(team.curator.tampering()) == []


def test_everybody_paints_on_the_same_base_once_zone_edits_count(team: Team, tmp_path: Path) -> None:
    """Boris' accepted zone edits move the residual that Anna paints on: they must see what the release will see."""
    store = Store.create(tmp_path / "store")
    store.write_scene(built_scene("s1"))
    scene = store.open_scene("s1")
    add_tasks(team.curator, [TaskRequest("s1", "reference", 1)], "carla")
    lease = Queue(team.boris).lease("boris")
    assert lease is not None
    team.boris.append(a_zone_edit(lease.map_key), lease)
    Queue(team.boris).submit(lease)

    def base(ledger: Ledger) -> ResidualCodes:
        return residual_base(scene, "P1", read_record(ledger, "s1"))

    assert team.anna.zone_edits(lease.map_key) == []
    assert np.array_equal(base(team.anna), scene.residual("P1"))
    Queue(team.curator).accept(lease.map_key, "carla")
    assert not np.array_equal(base(team.curator), scene.residual("P1"))
    assert np.array_equal(base(team.anna), base(team.curator))
    Queue(team.curator).return_(lease.map_key, "carla", "too bright")
    assert team.anna.zone_edits(lease.map_key) == []
    assert np.array_equal(base(team.anna), base(team.curator))


def test_an_annotator_cannot_tell_stories_with_sql_of_his_own(team: Team) -> None:
    """Neither accept himself, nor call another's accepted work expired, nor take a place that is not free."""
    add_tasks(team.curator, [TaskRequest("s1", "P0", 2, slots=2), TaskRequest("s2", "P0", 1)], "carla")
    map_keys = {}
    for ledger, name in ((team.anna, "anna"), (team.boris, "boris")):
        map_keys[name] = painted(ledger, name)
        (lease,) = Queue(ledger).resume(name)
        Queue(ledger).submit(lease)
    Queue(team.curator).accept(map_keys["boris"], "carla")
    third = Queue(team.boris).lease("boris")
    assert third is not None
    with team.owner.database.read() as connection:
        work = {
            map_key.annotator: work_of(connection, map_key) for map_key in (*map_keys.values(), third.map_key)
        }

    def tell(
        event: EventKind, whose: str, state: str, map_key: MapKey, task: int = 0, assignment: int = 0
    ) -> None:
        with team.anna.database.write(journal=True) as connection:
            key = TaskKey(task or work[whose].task, map_key.scene_id, map_key.level, map_key.purpose)
            told = Event(
                key=key,
                event=event,
                actor="anna",
                annotator=whose,
                assignment=assignment or work[whose].assignment,
                state=state,
            )
            append_event(team.anna.database, connection, told)

    for event, whose, state in (("submit", "anna", "accepted"), ("expire", "boris", "expired")):
        with pytest.raises(LedgerError, match=r"not what happened|cannot go"):
            tell(event, whose, state, map_keys[whose])  # type: ignore[arg-type]
    with pytest.raises(LedgerError, match="no free place"):
        tell("lease", "anna", "leased", third.map_key, task=third.task, assignment=4)


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
    judged = MapKey("s0", "P1", "carla", "adjudication")
    Queue(team.curator).accept(judged, "carla")
    Queue(team.curator).accept(MapKey("s0", "P1", "anna"), "carla")

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


def test_who_sees_only_his_own_rows_does_not_speak_of_the_whole(team: Team, tmp_path: Path) -> None:
    """An annotator's verification would find holes where others' rows are; his release would lack their strokes."""
    store = Store.create(tmp_path / "store")
    add_tasks(team.curator, [TaskRequest("s1", "P0", 1)], "carla")
    painted(team.boris, "boris")
    for act in (
        lambda ledger: list(ledger.tampering()),
        ledger_facts,
        lambda ledger: measure(store, ledger),
        lambda ledger: stale_maps(ledger, store),
        lambda ledger: copy_ledger(ledger, str(tmp_path)),
    ):
        with pytest.raises(LedgerError, match="sees only its own rows"):
            act(team.anna)
    for whole in (team.curator, team.owner):
        assert list(whole.tampering()) == []
        assert ledger_facts(whole)["cursor"] == whole.cursor()
    assert (team.anna.person(), team.curator.person(), team.owner.person()) == ("anna", "carla", None)


def test_a_curator_acts_under_the_name_of_the_login(team: Team, tmp_path: Path) -> None:
    store = Store.create(tmp_path / "store")
    store.write_scene(built_scene("s1"))
    url = team.curator.database.url.render_as_string(hide_password=False)
    assert run(["queue", str(store.path), "--ledger", url, "add"]) == 0
    with team.owner.database.read() as connection:
        assert set(connection.execute(sa.select(events.c.actor)).scalars()) == {"carla"}
    with pytest.raises(LedgerError, match="annotator NAME --login LOGIN"):
        add_tasks(team.curator, [TaskRequest("s2", "P0", 1)], "somebody")


def test_nobody_rewrites_history(team: Team) -> None:
    add_tasks(team.curator, [TaskRequest("s1", "P1", 1)], "carla")
    painted(team.anna, "anna")
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
        queue.accept(lease.map_key, "anna")
    refused(team.anna, "UPDATE tasks SET free = 5")
    refused(team.anna, "UPDATE annotators SET login = current_user WHERE name = 'boris'")
    with pytest.raises(LedgerError, match="does not allow"):
        Queue(team.curator).return_(lease.map_key, "anna", "again")


def test_a_login_that_nobody_entered_gets_nothing(team: Team) -> None:
    assert "permission denied" in refused(team.stranger, "SELECT * FROM corrections")
    assert "permission denied" in refused(team.stranger, "SELECT ledger_next_entry()")
    set_annotator(team.curator, "anna", active=False)
    with pytest.raises(LedgerError, match="does not allow"):
        team.anna.append_correction(a_stroke(a_base(), 1, map_key=MapKey("s1", "P0", "anna"))[0])


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
