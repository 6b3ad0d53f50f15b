"""An annotator on PostgreSQL with SQL of their own: what they try, and that it gets them nothing."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest
import sqlalchemy as sa

from iea40k.errors import IEAError, LeaseLostError, LedgerError
from iea40k.store.layout import Store
from iea40k.store.ledger import Ledger, MapKey, Queue, TaskRequest, add_tasks
from iea40k.store.ledger.consistency import own_consistency
from iea40k.store.ledger.database import Database
from iea40k.store.ledger.migrate import upgrade
from iea40k.store.ledger.migrations.rules_postgresql import HOLD_SECONDS, functions
from iea40k.store.ledger.people import set_annotator
from iea40k.store.ledger.place import ledger_url
from iea40k.store.ledger.roles import gaps, install_roles
from iea40k.store.ledger.schema import metadata
from tests.builders import built_scene
from tests.iea40k.store.ledger.conftest import Team, a_base, a_stroke
from tests.iea40k.store.ledger.test_consistency import paint
from tests.iea40k.store.ledger.test_roles import a_zone_edit, refused

pytestmark = pytest.mark.postgres

_YEARS = 10 * 365 * 86_400_000_000
_STEAL = """CREATE FUNCTION pg_temp.steal() RETURNS boolean LANGUAGE plpgsql AS
    $$ BEGIN RAISE EXCEPTION 'stolen with the rights of %', current_user; END $$"""


def sql(login: sa.URL, *statements: str) -> Any:
    """Run statements over a bare connection, as anybody with psql would; return the last one's first value."""
    with bare(login) as connection:
        for statement in statements:
            cursor = connection.execute(statement)
        return cursor.fetchone()[0] if cursor.description else None


@contextmanager
def bare(login: sa.URL) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(
        login.set(drivername="postgresql").render_as_string(hide_password=False)
    ) as connection:
        yield connection


def shadows() -> list[str]:
    """Statements that put a trap before every table of the ledger, for whoever looks the name up carelessly."""
    return [
        _STEAL,
        *(
            f"CREATE TEMP VIEW {table.name} AS SELECT * FROM public.{table.name} WHERE pg_temp.steal()"
            for table in metadata.sorted_tables
        ),
    ]


def give_temp(team: Team) -> None:
    """Undo the first line of defence, as on a server where only its owner may revoke TEMP."""
    database = team.owner.database.url.database
    with team.owner.database.alone() as connection:
        connection.execute(sa.text(f"GRANT TEMPORARY ON DATABASE {database} TO PUBLIC"))
        connection.execute(sa.text(f"ALTER DATABASE {database} SET track_functions = 'all'"))
        # Without it the views could not be made; what they would see is decided by row-level security all the same.
        connection.execute(sa.text("GRANT SELECT ON annotators, alembic_version TO PUBLIC"))


def trapped(ledger: Ledger) -> Ledger:
    """The same login over connections that begin with traps; the program's own statements name their schema."""
    made = Ledger(Database(ledger.database.url))

    @sa.event.listens_for(made.database.engine, "connect")
    def _connected(connection: Any, _record: object) -> None:
        for statement in shadows():
            connection.execute(statement)
        connection.commit()

    made.database.engine = made.database.engine.execution_options(schema_translate_map={None: "public"})
    return made


def test_no_function_runs_an_annotators_code_or_reads_their_tables(team: Team, tmp_path: Any) -> None:
    """Every function is called with traps in place: directly, or by a trigger in a whole piece of work."""
    store = Store.create(tmp_path / "store")
    store.write_scene(built_scene("s0"))
    give_temp(team)
    add_tasks(team.curator, [TaskRequest("s0", "P1", 3, slots=2), TaskRequest("s0", "reference", 2)], "carla")
    add_tasks(team.curator, [TaskRequest("s0", "P1", 1, purpose="adjudication")], "carla")
    judged = Queue(team.curator).lease("carla", purposes=("adjudication",))
    assert judged is not None
    paint(team.curator, store, judged, 500)
    Queue(team.curator).accept(judged.map_key, "carla")
    assert Queue(team.boris).lease("boris", ttl_seconds=-1) is not None
    anna = trapped(team.anna)
    try:
        queue = Queue(anna)
        lease = queue.lease("anna")
        assert lease is not None
        assert queue.heartbeat(lease).expires > 0
        queue.flag(lease, "a lamp")
        paint(anna, store, lease, 100)
        edited = queue.lease("anna")
        assert edited is not None
        anna.append(a_zone_edit(edited.map_key), edited)
        queue.give_back(edited)
        Queue(team.curator).accept(lease.map_key, "carla")
        assert own_consistency(anna, store, "anna").gold == 1
        assert anna.zone_edits(edited.map_key)
        assert anna.person() == "anna"
        with anna.database.read() as connection:
            counts = "SELECT ledger_reference_counts('s0', 'anna', 'expert')"
            assert connection.scalar(sa.text(counts)) is False
        for which in ("annotators", "events"):
            assert "stolen" in refused(anna, f"SELECT * FROM {which}"), "the traps are not in place"
    finally:
        anna.close()
    called = set(
        sql(
            team.owner.database.url,
            "SELECT pg_stat_force_next_flush()",
            "SELECT pg_sleep(1.1)",
            "SELECT array_agg(funcname) FROM pg_stat_user_functions WHERE calls > 0",
        )
    )
    names = {each.signature.split("(")[0] for each in functions("public")}
    # Only an annotator who keeps the others waiting meets ledger_evict; nobody but the owner gets as far as _refuse.
    assert names - called == {"ledger_evict", "ledger_refuse"}


def test_a_temporary_table_makes_nobody_somebody_else(team: Team) -> None:
    give_temp(team)
    add_tasks(team.curator, [TaskRequest("s1", "P0", 1, slots=2)], "carla")
    lease = Queue(team.boris).lease("boris")
    assert lease is not None
    team.boris.append_correction(a_stroke(a_base(), 1, map_key=lease.map_key)[0], lease)
    login = team.anna.database.url
    claim = (
        f"CREATE TEMP TABLE annotators AS SELECT 'boris' AS name, '{login.username}' AS login, true AS active"
    )
    assert sql(login, claim, "SELECT ledger_person(current_user)") == "anna"
    assert sql(login, claim, "SELECT count(*) FROM public.corrections") == 0
    assert sql(team.boris.database.url, "SELECT count(*) FROM public.corrections") == 1


def test_annotators_make_no_temporary_tables(team: Team) -> None:
    assert "permission denied" in refused(team.anna, "CREATE TEMP TABLE annotators (name text)")
    assert "permission denied" in refused(team.anna, "CREATE TABLE public.annotators2 (name text)")


def test_every_function_names_its_path_and_is_not_everybodys(team: Team) -> None:
    with team.owner.database.read() as connection:
        found = {
            row.proname: row
            for row in connection.execute(
                sa.text(
                    "SELECT p.proname, p.proconfig, EXISTS (SELECT 1 FROM aclexplode(p.proacl) a WHERE a.grantee = 0)"
                    " AS everybodys FROM pg_proc p WHERE p.pronamespace = 'public'::regnamespace"
                )
            )
        }
    assert set(found) == {each.signature.split("(")[0] for each in functions("public")}
    assert {tuple(row.proconfig) for row in found.values()} == {("search_path=pg_catalog, public, pg_temp",)}
    assert not any(row.everybodys for row in found.values())


def test_an_older_ledger_is_made_safe_by_its_upgrade(
    postgresql_url: str, postgresql_server: sa.Engine
) -> None:
    """On revision 0003 the trap springs with the owner's rights; after the upgrade it does not."""
    old, login = Database(ledger_url(postgresql_url)), f"mallory_{time.time_ns()}"
    upgrade(old, "0003")
    with postgresql_server.connect() as connection:
        connection.execute(sa.text(f"CREATE ROLE {login} LOGIN"))
    try:
        with old.alone() as connection:
            connection.execute(sa.text(f"GRANT SELECT ON ALL TABLES IN SCHEMA public TO {login}"))
            connection.execute(sa.text(f"GRANT INSERT ON events TO {login}"))
        row = "SELECT 1, 's', 'P0', 1, 'e', 1, 1, 'expert', 'M', 'M', 'flag', NULL, '', '{}', 1, '', ''"
        row = f"INSERT INTO public.events {row}"
        with pytest.raises(psycopg.Error, match="stolen with the rights of postgres"):
            sql(old.url.set(username=login), *shadows(), row)
        upgrade(old)
        with pytest.raises(psycopg.Error, match="ledger: "):
            sql(old.url.set(username=login), *shadows(), row)
    finally:
        with old.alone() as connection:
            connection.execute(sa.text(f"DROP OWNED BY {login}"))
        old.close()
        with postgresql_server.connect() as connection:
            connection.execute(sa.text(f"DROP ROLE {login}"))


def test_the_roles_of_an_older_ledger_are_renewed_by_its_upgrade(team: Team) -> None:
    """A grant made by an older version let annotators write `assignments` themselves."""
    with team.owner.database.alone() as connection:
        connection.execute(sa.text("GRANT INSERT, UPDATE ON assignments TO PUBLIC"))
        connection.execute(sa.text("REVOKE ALL ON FUNCTION ledger_begin(boolean) FROM PUBLIC"))
        annotators = connection.scalar(
            sa.text(
                "SELECT polroles[1]::regrole::text FROM pg_policy WHERE polname = 'annotator_adds' LIMIT 1"
            )
        )
        connection.execute(sa.text("REVOKE INSERT, UPDATE ON assignments FROM PUBLIC"))
        connection.execute(sa.text(f"GRANT INSERT, UPDATE (state, expires) ON assignments TO {annotators}"))
    add_tasks(team.curator, [TaskRequest("s1", "P0", 1)], "carla")
    assert "no event tells" in refused(
        team.anna, "INSERT INTO assignments VALUES (1, 1, 'anna', 'leased', 1, 1, '')"
    )
    upgrade(team.owner.database)
    assert "permission denied" in refused(
        team.anna, "INSERT INTO assignments VALUES (1, 1, 'anna', 'leased', 1, 1, '')"
    )


def test_an_annotator_moves_no_work_by_sql(team: Team) -> None:
    """No ninth lease, no lease for ten years, nothing submitted that no event tells, nobody else's work."""
    add_tasks(team.curator, [TaskRequest(f"s{i}", "P0", 1) for i in range(10)], "carla")
    theirs = Queue(team.boris).lease("boris")
    leases = [Queue(team.anna).lease("anna") for _ in range(8)]
    assert theirs is not None
    assert leases[0] is not None
    for statement in (
        "UPDATE assignments SET state = 'submitted'",
        f"UPDATE assignments SET expires = expires + {_YEARS}",
        "INSERT INTO assignments VALUES (10, 10, 'anna', 'leased', 1, 1, '')",
        "SELECT 1 FROM assignments FOR UPDATE",
        "LOCK TABLE assignments IN ROW EXCLUSIVE MODE",
        "LOCK TABLE properties IN EXCLUSIVE MODE",
        "SELECT ledger_take_turn()",
        "SELECT ledger_tick()",
        "UPDATE counter SET value = value + 1",
    ):
        assert "permission denied" in refused(team.anna, statement), statement
    mine = leases[0]
    ask = f"SELECT ledger_heartbeat({mine.assignment}, {mine.token}, {{}})"
    assert "no event tells" in refused(team.anna, ask.format(_YEARS))
    before = team.owner.database
    with before.read() as connection:
        ends = connection.scalar(
            sa.text(f"SELECT expires FROM assignments WHERE assignment = {theirs.assignment}")
        )
    with team.anna.database.write() as connection:
        other = f"SELECT ledger_heartbeat({theirs.assignment}, {theirs.token}, -1)"
        assert connection.scalar(sa.text(other)) is None
    with before.read() as connection:
        assert ends == connection.scalar(
            sa.text(f"SELECT expires FROM assignments WHERE assignment = {theirs.assignment}")
        )
    with pytest.raises(LedgerError, match="too many images"):
        Queue(team.anna).lease("anna")
    assert list(team.curator.tampering()) == []


def test_a_strangers_lock_stops_nobody(team: Team) -> None:
    """Any login may hold an advisory lock; the ledger waits for none."""
    with bare(team.stranger.database.url) as connection:
        connection.execute("SELECT pg_advisory_lock(253504)")
        add_tasks(team.curator, [TaskRequest("s1", "P0", 1)], "carla")
        assert Queue(team.anna).lease("anna") is not None
        connection.execute("SELECT pg_advisory_unlock(253504)")


def test_an_annotator_who_keeps_the_ledger_to_themselves_is_sent_away(team: Team) -> None:
    add_tasks(team.curator, [TaskRequest("s1", "P0", 1), TaskRequest("s2", "P0", 1)], "carla")
    with bare(team.anna.database.url) as connection:
        connection.execute("SELECT * FROM ledger_begin(true)")
        asked = time.monotonic()
        assert Queue(team.boris).lease("boris") is not None
        assert time.monotonic() - asked < HOLD_SECONDS + 8
        with pytest.raises(psycopg.OperationalError):
            connection.execute("SELECT 1")
    assert team.owner.cursor() == 3


def test_a_curator_at_work_is_waited_for(team: Team) -> None:
    """The same wait behind a curator's long transaction ends when theirs does, and loses nothing."""
    add_tasks(team.curator, [TaskRequest("s1", "P0", 1)], "carla")
    found: list[object] = []
    with team.curator.database.write() as connection:
        asking = threading.Thread(target=lambda: found.append(Queue(team.boris).lease("boris")))
        asking.start()
        time.sleep(HOLD_SECONDS + 3)
        connection.execute(sa.text("SELECT 1"))
    asking.join(20)
    assert found
    assert found[0] is not None


def test_who_lost_a_lease_does_not_keep_it_by_sql(team: Team) -> None:
    add_tasks(team.curator, [TaskRequest("s1", "P0", 1)], "carla")
    lost = Queue(team.anna).lease("anna", ttl_seconds=-1)
    assert lost is not None
    assert Queue(team.boris).lease("boris") is not None
    for act in (
        lambda: team.anna.append_correction(a_stroke(a_base(), 1, map_key=lost.map_key)[0], lost),
        lambda: Queue(team.anna).submit(lost),
        lambda: Queue(team.anna).heartbeat(lost),
    ):
        with pytest.raises(LeaseLostError):
            act()
    with pytest.raises(IEAError):
        team.anna.append_correction(a_stroke(a_base(), 1, map_key=MapKey("s1", "P0", "boris"))[0])


def test_an_owner_who_is_no_superuser_is_told_what_the_administrator_can_add(
    postgresql_url: str, postgresql_server: sa.Engine
) -> None:
    """The roles work under an owner with few rights, as on a rented server; what is missing is said, not guessed."""
    tag = f"t{time.time_ns() % 10**12}"
    url = sa.make_url(postgresql_url)
    with postgresql_server.connect() as connection:
        connection.execute(sa.text(f"CREATE ROLE {tag}_owner LOGIN CREATEROLE"))
        connection.execute(sa.text(f"ALTER DATABASE {url.database} OWNER TO {tag}_owner"))
    roles = [f"{tag}_anna"]
    owner = Ledger.open(url.set(username=f"{tag}_owner").render_as_string(hide_password=False), create=True)
    try:
        groups = install_roles(owner, tag)
        roles += groups
        with postgresql_server.connect() as connection:
            connection.execute(sa.text(f"CREATE ROLE {tag}_anna LOGIN IN ROLE {groups[0]}"))
        set_annotator(owner, "anna", login=f"{tag}_anna")
        add_tasks(owner, [TaskRequest("s1", "P0", 1)], "curator")
        with Ledger.open(url.set(username=f"{tag}_anna").render_as_string(hide_password=False)) as anna:
            lease = Queue(anna).lease("anna")
            assert lease is not None
            anna.append_correction(a_stroke(a_base(), 1, map_key=lease.map_key)[0], lease)
            Queue(anna).submit(lease)
            assert "permission denied" in refused(anna, "CREATE TEMP TABLE annotators (name text)")
        assert list(owner.tampering()) == []
        missing = gaps(owner, groups[0])
        assert all("pg_signal_backend" in gap for gap in missing)
        with postgresql_server.connect() as connection:
            connection.execute(sa.text(f"GRANT pg_read_all_stats, pg_signal_backend TO {tag}_owner"))
        assert gaps(owner, groups[0]) == []
    finally:
        owner.close()
        cleaner = sa.create_engine(url, isolation_level="AUTOCOMMIT")
        with cleaner.connect() as connection:
            for role in (*roles, f"{tag}_owner"):
                connection.execute(sa.text(f"DROP OWNED BY {role} CASCADE"))
        cleaner.dispose()
        with postgresql_server.connect() as connection:
            connection.execute(sa.text(f"ALTER DATABASE {url.database} OWNER TO {url.username}"))
            for role in (*roles, f"{tag}_owner"):
                connection.execute(sa.text(f"DROP ROLE {role}"))
