"""The ledger and the annotators under torture: kills, ended sessions, a server that dies, flipped bits, clocks, SQL."""

import contextlib
import multiprocessing
import os
import random
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from iea40k.errors import IEAError, LedgerUnavailableError
from iea40k.store.ledger import Ledger, Outbox, Queue, TaskRequest, add_tasks
from iea40k.store.ledger import database as database_module
from iea40k.store.ledger.people import set_annotator
from iea40k.store.ledger.roles import install_roles
from iea40k.store.ledger.schema import metadata
from iea40k.store.ledger.seals import broken_seals, root_digest
from tests.torture.annotators import stroke, work
from tests.torture.harness import Clock, Report, Task, trial
from tests.torture.servers import own_server, shared_database

ROOT = Path(__file__).parents[2]
TEAM = [f"expert {number}" for number in range(8)]
KILL_EVERY = 0.3
"""Mean seconds between two kills."""


class Team:
    """Eight annotators, each a process that is started again whenever it dies."""

    def __init__(self, place: str, folder: Path, rng: random.Random) -> None:
        self._place, self._folder, self._rng = place, folder, rng
        # A fork begins at once; where there is none, each process imports everything anew.
        fork = "fork" in multiprocessing.get_all_start_methods()
        self._context: Any = multiprocessing.get_context("fork" if fork else "spawn")
        self._processes: dict[str, Any] = {}
        self.failed: list[str] = []

    def keep_up(self) -> None:
        """Start whoever is not at work; note who ended for another reason than a kill."""
        for name in TEAM:
            process = self._processes.get(name)
            if process is not None and process.is_alive():
                continue
            if process is not None and process.exitcode != -signal.SIGKILL:
                self.failed.append(f"{name} ended with {process.exitcode}, see the traceback above")
            arguments = (self._place, name, self._folder / f"{name}.txt", self._rng.randrange(1 << 30))
            self._processes[name] = self._context.Process(target=work, args=arguments, daemon=True)
            self._processes[name].start()

    def kill_one(self) -> None:
        """Kill somebody at work, without a warning."""
        self._processes[self._rng.choice(TEAM)].kill()

    def stop(self) -> None:
        """Kill all."""
        for process in self._processes.values():
            process.kill()
            process.join()

    def acknowledged(self) -> set[str]:
        """Return the ids of the strokes of which somebody was told that they are safe."""
        found: set[str] = set()
        for name in TEAM:
            with contextlib.suppress(FileNotFoundError):
                lines = (self._folder / f"{name}.txt").read_text(encoding="ascii").splitlines()
                found.update(line.split()[0] for line in lines if len(line.split()) == 2)
        return found

    def waiting(self) -> set[str]:
        """Return the ids of the strokes that wait in somebody's outbox."""
        boxes = (Outbox(self._folder / f"{name}.outbox") for name in TEAM)
        return {item.draft.stroke_id for box in boxes for item in box.waiting()}


def _torture_team(task: Task, place: str, harm: Callable[[], str | None] = lambda: None) -> None:
    with Ledger.open(place, create=True) as ledger:
        add_tasks(ledger, [TaskRequest(f"s{n}", "P0", n % 17, slots=3) for n in range(1500)], "curator")
    team = Team(place, task.folder, task.rng)
    clock = Clock(max(task.clock.left(), 10))  # on a machine that is busy, all this took its time
    try:
        while clock:
            team.keep_up()
            time.sleep(task.rng.expovariate(1 / KILL_EVERY))
            if task.rng.random() < 0.1:
                _look_meanwhile(task.report, place)
            if task.rng.random() < 0.7:
                team.kill_one()
                task.report.held("kills")
            else:
                done = harm()
                task.report.held(done) if done else None
    finally:
        team.stop()
    with Ledger.open(place) as ledger:
        _all_is_there(task.report, ledger, team)


def _look_meanwhile(report: Report, place: str) -> None:
    """Verify the ledger while all write: it must not blame them for what is on its way."""
    with contextlib.suppress(LedgerUnavailableError), Ledger.open(place) as reader:
        problems = list(reader.tampering())
        report.expect(not problems, f"while all write: {problems[:3]}"[:400], "checks while all write")


def _all_is_there(report: Report, ledger: Ledger, team: Team) -> None:
    for failure in team.failed:
        report.broke(failure)
    with ledger.database.read() as connection:
        recorded = list(connection.execute(sa.text("SELECT stroke_id FROM corrections")).scalars())
        crowded = connection.execute(
            sa.text("SELECT count(*) FROM tasks WHERE free < 0 OR free > slots")
        ).scalar()
    safe = {*recorded, *team.waiting()}
    lost = team.acknowledged() - safe
    if not team.acknowledged():
        report.broke("nobody drew anything: this was no trial")
    report.held("strokes acknowledged", len(team.acknowledged()) - len(lost))
    for stroke_id in sorted(lost):
        report.broke(f"stroke {stroke_id} was acknowledged and is lost")
    report.expect(
        len(recorded) == len(set(recorded)), "a stroke was recorded twice", "checks of the whole ledger"
    )
    report.expect(crowded == 0, f"{crowded} tasks with more people than places", "checks of the whole ledger")
    problems = list(ledger.tampering())
    for problem in problems:
        report.broke(problem)
    report.held("checks of the whole ledger", int(not problems))


@trial("ledger", "8 annotators on SQLite, killed at random", weight=2)
def sqlite_kills(task: Task) -> None:
    """What was acknowledged is there, once, and the ledger is sound."""
    _torture_team(task, str(task.folder))


@trial("ledger", "8 annotators on PostgreSQL, killed, their sessions ended by the server", weight=2)
def postgresql_kills(task: Task) -> None:
    """As on SQLite; and a session that the server ends costs nobody a stroke."""
    with shared_database() as url:
        engine = sa.create_engine(url, isolation_level="AUTOCOMMIT")

        def end_session() -> str | None:
            query = (
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database()"
            )
            query += " AND pid <> pg_backend_pid() AND application_name = 'iea40k' ORDER BY random() LIMIT 1"
            with engine.connect() as connection:
                return "sessions ended" if connection.scalar(sa.text(query)) else None

        try:
            _torture_team(task, url, end_session)
        finally:
            engine.dispose()


@trial("ledger", "a PostgreSQL server that dies, or is restarted, in the middle of the work", weight=2)
def postgresql_dies(task: Task) -> None:
    """A server stopped at once, as by a power cut of its processes, keeps every stroke that it acknowledged."""
    with own_server(task.folder / "server") as server:
        last = time.monotonic()

        def die() -> str | None:
            nonlocal last
            if time.monotonic() - last < 6:
                return None
            dies = task.rng.random() < 0.6
            server.die() if dies else server.stop()
            time.sleep(task.rng.uniform(0, 1))
            server.start()
            last = time.monotonic()
            return "deaths of the server" if dies else "restarts of the server"

        _torture_team(task, server.url, die)


@trial("ledger", "bits of ledger.sqlite flipped", weight=1)
def sqlite_bit_flips(task: Task) -> None:
    """A flipped bit is told by an error or by `verify`, or it lies where nothing is stored."""
    with Ledger.open(task.folder, create=True) as ledger:
        add_tasks(ledger, [TaskRequest(f"s{n}", "P0", n, slots=2) for n in range(20)], "curator")
        queue = Queue(ledger)
        for name in TEAM[:4]:
            lease = queue.lease(name)
            assert lease is not None
            for _ in range(10):
                ledger.append(stroke(lease.map_key, task.rng), lease)
            queue.submit(lease)
        seal = root_digest(ledger)
    file = task.folder / "ledger.sqlite"
    whole, content = file.read_bytes(), _content(file)
    while task.clock:
        at, bit = task.rng.randrange(len(whole)), task.rng.randrange(8)
        damaged = bytearray(whole)
        damaged[at] ^= 1 << bit
        _put(file, bytes(damaged))
        try:
            with Ledger.open(task.folder) as ledger:
                told = [*ledger.tampering(), *broken_seals(ledger, [seal])]
        except IEAError:
            task.report.held("flips refused by an error")
            continue
        if told:
            task.report.held("flips told by verify")
        else:
            same = _content(file) == content
            task.report.expect(
                same, f"bit {bit} of byte {at} changed the content unseen", "flips without effect"
            )


def _put(file: Path, data: bytes) -> None:
    for side in ("-wal", "-shm"):
        file.with_name(file.name + side).unlink(missing_ok=True)
    file.write_bytes(data)


_TASKS = "(SELECT task, scene_id, level, purpose, reason, priority, slots, free, note FROM tasks)"
_WORK = "(SELECT assignment, task, annotator, state, token, comment FROM assignments)"


def _content(file: Path) -> list[object]:
    """Every row that counts; when a task was made, leases' ends, logins and the clock are not history."""
    connection = sqlite3.connect(file)
    try:
        return [
            connection.execute(f"SELECT * FROM {table} ORDER BY 1").fetchall()
            for table in ("corrections", "zone_edits", "events", _TASKS, _WORK, "properties")
        ]
    finally:
        connection.close()


@trial("ledger", "the machine's clock set at random while leases come and go", weight=0.5)
def clocks(task: Task) -> None:
    """No lease outlives its time by more than the clock was set back, and none ends while its holder is there."""
    jumps = [0.0] * 20 + [60.0, -60.0, 3600.0, -3600.0, -86_400.0, 86_400.0 * 3650, -86_400.0 * 3650]
    ahead, elapsed = 0.0, 0.0
    real = time.time_ns

    class Fake:
        monotonic, sleep = staticmethod(time.monotonic), staticmethod(time.sleep)

        @staticmethod
        def time_ns() -> int:
            return real() + round((ahead + elapsed) * 1e9)

    database_module.time, kept = Fake, database_module.time  # type: ignore[assignment, attr-defined]
    try:
        with Ledger.open(task.folder, create=True) as ledger:
            add_tasks(ledger, [TaskRequest("s1", "P0", 1)], "curator")
            queue = Queue(ledger)
            before = 0
            while task.clock:
                lease = queue.lease("A") or queue.lease("A")
                if lease is None:
                    elapsed += 86_400
                    task.report.expect(
                        elapsed < 86_400 * 4000, "a lease never ends", "waits for a lease to end"
                    )
                    continue
                for _ in range(task.rng.randrange(5)):
                    elapsed += task.rng.uniform(0, 600)
                    lease = queue.heartbeat(lease)
                    back = task.rng.choice((0.0, -60.0, -3600.0))
                    ahead += back
                    lease = queue.heartbeat(lease)
                    ahead -= back
                    task.report.expect(
                        queue.lease("B") is None, "a lease ended under its holder", "heartbeats"
                    )
                ahead += task.rng.choice(jumps)
                with ledger.database.write() as connection:
                    now = ledger.database.tick(connection)
                task.report.expect(now >= before, "the ledger's clock went back", "jumps of the clock")
                before = now
                elapsed += 1801
                with contextlib.suppress(IEAError):
                    queue.give_back(lease)
    finally:
        database_module.time = kept  # type: ignore[attr-defined]


_HOSTILE = """
SELECT * FROM {table}
DELETE FROM {table}
TRUNCATE {table}
UPDATE {table} SET {column} = {column}
UPDATE {table} SET {column} = NULL
INSERT INTO {table} SELECT * FROM {table}
DROP TABLE {table}
ALTER TABLE {table} DISABLE TRIGGER ALL
ALTER TABLE {table} DISABLE ROW LEVEL SECURITY
ALTER TABLE {table} OWNER TO {me}
LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE
SELECT * FROM {table} FOR UPDATE
CREATE TEMP TABLE {table} (name text)
CREATE TEMP VIEW {table} AS SELECT 1 AS {column}
CREATE POLICY mine ON {table} USING (true)
CREATE TRIGGER mine BEFORE INSERT ON {table} EXECUTE FUNCTION ledger_refuse()
GRANT ALL ON {table} TO PUBLIC
COPY {table} TO PROGRAM 'id'
VACUUM {table}
REINDEX TABLE {table}
SET ROLE {owner}
SET SESSION AUTHORIZATION {owner}
ALTER ROLE {me} SUPERUSER
SET row_security = off
SELECT {function}()
ALTER FUNCTION {function} RESET search_path
CREATE FUNCTION public.{function}_2() RETURNS int LANGUAGE sql AS 'SELECT 1'
SELECT set_config('search_path', 'pg_temp', false)
SELECT pg_advisory_lock(253504)
SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '{owner}'
SELECT ledger_heartbeat(assignment, token, 999999999999999) FROM assignments
SELECT ledger_heartbeat({number}, {number}, {number})
SELECT ledger_begin(true)
SELECT ledger_next_entry() FROM generate_series(1, 9)
DO $$ BEGIN PERFORM ledger_next_entry(); RAISE EXCEPTION 'x'; END $$
INSERT INTO events SELECT value + 1, 's1', 'P0', 1, 'x', 1, 1, 'expert', 'Boris', 'Anna', 'submit', 'submitted', '', '{{}}', 1, '', '' FROM counter
""".strip().splitlines()  # noqa: E501


@trial("ledger", "an annotator on PostgreSQL with SQL of their own", weight=1)
def hostile_sql(task: Task) -> None:
    """Whatever an annotator runs, others' rows, rights and history stay, and the work goes on."""
    tag = f"torture{task.rng.randrange(1 << 30)}"
    with shared_database() as url, contextlib.ExitStack() as stack:
        owner = stack.enter_context(Ledger.open(url, create=True))
        groups = install_roles(owner, tag)
        logins = {name: f"{tag}_{name.lower()}" for name in ("Anna", "Boris")}
        with owner.database.alone() as connection:
            for login in logins.values():
                connection.execute(sa.text(f"CREATE ROLE {login} LOGIN IN ROLE {groups[0]}"))
                stack.callback(_drop_role, url, login)
        stack.callback(_drop_role, url, groups[0])
        stack.callback(_drop_role, url, groups[1])
        for name, login in logins.items():
            set_annotator(owner, name, login=login)
        add_tasks(owner, [TaskRequest(f"s{n}", "P0", 1, slots=2) for n in range(50)], "curator")
        as_login = {n: sa.make_url(url).set(username=login) for n, login in logins.items()}
        boris = stack.enter_context(Ledger.open(as_login["Boris"].render_as_string(hide_password=False)))
        lease = Queue(boris).lease("Boris")
        assert lease is not None
        for _ in range(5):
            boris.append(stroke(lease.map_key, task.rng), lease)
        _attack(task, owner, boris, as_login["Anna"])


def _attack(task: Task, owner: Ledger, boris: Ledger, anna: sa.URL) -> None:
    engine = sa.create_engine(
        anna, isolation_level="AUTOCOMMIT", connect_args={"options": "-c lock_timeout=3s"}
    )
    who = owner.database.url.username
    with owner.database.read() as connection:
        query = "SELECT proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace"
        functions = sorted(connection.execute(sa.text(query)).scalars())
    before = _others(owner)
    try:
        while task.clock:
            with engine.connect() as connection:
                for _ in range(task.rng.randrange(1, 6)):
                    table = task.rng.choice(metadata.sorted_tables)
                    function = task.rng.choice(functions)
                    statement = task.rng.choice(_HOSTILE).format(
                        table=table.name, column=task.rng.choice(list(table.columns)).name, me=anna.username,
                        owner=who, function=function, number=task.rng.randrange(1 << 40),
                    )  # fmt: skip
                    with contextlib.suppress(sa.exc.DBAPIError, sa.exc.ResourceClosedError):
                        connection.execute(sa.text(re.sub(r"(?<!:):(?!:)", r"\\:", statement)))
                    task.report.held("hostile statements")
                connection.invalidate()
            if task.rng.random() < 0.1:
                _unharmed(task.report, owner, boris, before)
    finally:
        engine.dispose()
    _unharmed(task.report, owner, boris, before)


def _unharmed(report: Report, owner: Ledger, boris: Ledger, before: list[object]) -> None:
    report.expect(
        _others(owner) == before, "others' rows or rights changed", "checks of others' rows and rights"
    )
    lease = Queue(boris).lease("Boris")
    if lease is not None:
        Queue(boris).give_back(lease)
    problems = list(owner.tampering())
    report.expect(not problems, "; ".join(problems[:3]), "checks of the whole ledger")


def _others(owner: Ledger) -> list[object]:
    queries = (
        "SELECT entry, hash FROM corrections WHERE annotator <> 'Anna' ORDER BY 1",
        "SELECT name, login, active FROM annotators ORDER BY 1",
        "SELECT relname, relowner, relacl::text, relrowsecurity FROM pg_class"
        " WHERE relnamespace = 'public'::regnamespace ORDER BY 1",
        "SELECT rolname, rolsuper, rolcreaterole FROM pg_roles WHERE rolname LIKE 'torture%' ORDER BY 1",
        "SELECT proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace ORDER BY 1",
    )
    with owner.database.read() as connection:
        return [connection.execute(sa.text(query)).all() for query in queries]


def _drop_role(url: str, role: str) -> None:
    engine = sa.create_engine(url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(sa.text(f"DROP OWNED BY {role}"))
        connection.execute(sa.text(f"DROP ROLE {role}"))
    engine.dispose()


@trial(
    "annotate", "the window's session killed in the middle of painting, residuals and references", weight=2
)
def window_kills(task: Task) -> None:
    """The tests that kill the painter, with as many kills as the time allows."""
    kills = max(2, int(task.clock.left() / 12))
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--timeout=0", "--basetemp"]
    command += [str(task.folder / "pytest"), "tests/annotator", "-k", "kill"]
    environment = {
        **os.environ,
        "IEA40K_KILLS": str(kills),
        "QT_QPA_PLATFORM": "offscreen",
        "PYTHONPATH": str(ROOT),
    }
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    passed = re.search(r"(\d+) passed", done.stdout)
    shutil.rmtree(task.folder / "pytest", ignore_errors=True)
    if done.returncode == 0 and passed:
        task.report.held("kills", kills * int(passed[1]))
    else:
        task.report.broke(done.stdout[-600:].replace("\n", " / "))
