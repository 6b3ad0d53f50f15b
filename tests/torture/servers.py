"""PostgreSQL for trials: a database on the shared server, or a whole server of the trial's own, which may die."""

import contextlib
import os
import shutil
import socket
import subprocess
import uuid
from collections.abc import Iterator
from pathlib import Path

import sqlalchemy as sa

from tests.conftest import SERVER
from tests.torture.harness import NotHereError


@contextlib.contextmanager
def shared_database() -> Iterator[str]:
    """The URL of a new database on the server that tests use; dropped afterwards."""
    engine = sa.create_engine(SERVER, isolation_level="AUTOCOMMIT", connect_args={"connect_timeout": 3})
    name = f"iea40k_torture_{uuid.uuid4().hex[:12]}"
    try:
        try:
            with engine.connect() as connection:
                connection.execute(sa.text(f"CREATE DATABASE {name}"))
        except (sa.exc.OperationalError, ModuleNotFoundError) as error:
            raise NotHereError(f"no PostgreSQL server answers at {SERVER}") from error
        yield sa.make_url(SERVER).set(database=name).render_as_string(hide_password=False)
        with engine.connect() as connection:
            connection.execute(sa.text(f"DROP DATABASE {name} WITH (FORCE)"))
    finally:
        engine.dispose()


class Server:
    """A PostgreSQL server in a folder of its own."""

    def __init__(self, folder: Path, programs: Path, user: list[str]) -> None:
        self._folder, self._programs, self._user = folder, programs, user
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self._port = free.getsockname()[1]
        self.url = f"postgresql://postgres@127.0.0.1:{self._port}/postgres"

    def make(self) -> None:
        """Make the server's files."""
        self._run("initdb", "-D", str(self._folder / "data"), "-U", "postgres", "-A", "trust", "-N")

    def start(self) -> None:
        """Start it, and wait until it answers."""
        options = f"-p {self._port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={self._folder}"
        log = str(self._folder / "log")
        self._run(
            "pg_ctl", "-D", str(self._folder / "data"), "-w", "-t", "60", "-l", log, "-o", options, "start"
        )

    def die(self) -> None:
        """Stop at once, without a checkpoint: the next start recovers from the log."""
        self._run("pg_ctl", "-D", str(self._folder / "data"), "-m", "immediate", "stop")

    def stop(self) -> None:
        """Stop as an administrator does: sessions are ended, and everything is written."""
        self._run("pg_ctl", "-D", str(self._folder / "data"), "-m", "fast", "stop")

    def _run(self, program: str, *arguments: str) -> None:
        command = [*self._user, str(self._programs / program), *arguments]
        done = subprocess.run(command, capture_output=True, text=True, check=False, cwd="/")
        if done.returncode:
            raise RuntimeError(f"{program}: {done.stderr.strip() or done.stdout.strip()}")


@contextlib.contextmanager
def own_server(folder: Path) -> Iterator[Server]:
    """A new server, started; stopped and left in `folder` afterwards."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb")) or [Path(shutil.which("initdb") or "")]
    if not found[-1].is_file():
        raise NotHereError("PostgreSQL's programs are not installed")
    user: list[str] = []
    folder.mkdir(parents=True)
    if hasattr(os, "getuid") and os.getuid() == 0:  # PostgreSQL refuses to run as root
        if shutil.which("runuser") is None:
            raise NotHereError("PostgreSQL does not run as root, and there is no runuser")
        user = ["runuser", "-u", "postgres", "--"]
        shutil.chown(folder, "postgres")
        for parent in folder.parents:
            if parent.stat().st_uid == 0 and str(parent).startswith("/tmp/"):
                parent.chmod(0o755)
    server = Server(folder, found[-1].parent, user)
    server.make()
    server.start()
    try:
        yield server
    finally:
        with contextlib.suppress(RuntimeError):
            server.die()
