"""Where a ledger lives: a store's SQLite file, or a PostgreSQL server; and why not on a network file system."""

from collections.abc import Iterable
from pathlib import Path, PurePath
from typing import NamedTuple

import psutil
import sqlalchemy as sa

from iea40k.errors import BadInputError, LedgerError
from iea40k.store.kinds import LEDGER_FILE

_SECRET = "password"

_NETWORK = frozenset(
    {
        "nfs",
        "nfs3",
        "nfs4",
        "cifs",
        "smb",
        "smb2",
        "smb3",
        "smbfs",
        "afpfs",
        "9p",
        "afs",
        "ncpfs",
        "webdav",
        "davfs",
    }
    | {
        "davfs2",
        "glusterfs",
        "lustre",
        "ceph",
        "gpfs",
        "beegfs",
        "orangefs",
        "moosefs",
        "lizardfs",
        "vboxsf",
        "vmhgfs",
    }
)
_LOCAL_FUSE = frozenset(
    {"fuseblk", "fuse.fuse-overlayfs", "fuse.ntfs", "fuse.ntfs-3g", "fuse.exfat", "fuse.ext2"}
)


class Mount(NamedTuple):
    """A mounted file system: where, of which type, with which comma-separated options."""

    mountpoint: str
    fstype: str
    opts: str


def ledger_url(place: str | Path) -> sa.URL:
    """Return the database URL of a store folder (its `ledger.sqlite`) or of a `postgresql://` or `sqlite://` URL.

    Raises `BadInputError` for another kind of URL.
    """
    text = str(place)
    if "://" not in text:
        return sa.URL.create("sqlite+pysqlite", database=str(Path(place) / LEDGER_FILE))
    try:
        url = sa.make_url(text)
    except (sa.exc.ArgumentError, ValueError):
        # The text may hold a password, so neither it nor the error that repeats it is passed on.
        raise _not_a_ledger("text that is no URL") from None
    drivers = {
        "postgresql": "postgresql+psycopg",
        "postgres": "postgresql+psycopg",
        "sqlite": "sqlite+pysqlite",
    }
    backend = url.drivername.partition("+")[0]
    if backend not in drivers or (backend == "sqlite" and not url.database):
        raise _not_a_ledger(f"{backend}://")
    return url.set(drivername=drivers[backend])


def holds_secret(url: sa.URL) -> bool:
    """Whether a URL holds a password, before its host or among its options."""
    return url.password is not None or any(_SECRET in name.lower() for name in url.query)


def refuse_typed_secret(place: str) -> None:
    """Raise `BadInputError` where a place that was typed on a command line holds a password: others can see it."""
    if holds_secret(ledger_url(place)):
        raise BadInputError(
            "a password on the command line can be read by everybody on this machine",
            expected="--ledger postgresql://NAME@HOST/DATABASE",
            remedy="put the password into ~/.pgpass or PGPASSWORD, or the whole URL into IEA40K_LEDGER",
        )


def shown(url: sa.URL) -> str:
    """Return a ledger's place for messages: a SQLite file's path, or a URL without its password."""
    if url.get_backend_name() == "sqlite":
        return str(url.database)
    url = url.difference_update_query([name for name in url.query if _SECRET in name.lower()])
    return url.render_as_string(hide_password=True).replace("+psycopg", "")


def refuse_network(file: Path, mounts: Iterable[Mount] | None = None) -> None:
    """Raise `LedgerError` where `file` would lie on a network file system, on which SQLite's locks do not hold."""
    folder = file.parent.resolve()
    kind = network_filesystem(folder, local_mounts() if mounts is None else mounts)
    if kind is not None:
        raise LedgerError(
            "a SQLite ledger does not work on a network file system: its locks are not kept there",
            where=file,
            expected="a local disk",
            got=kind,
            remedy="put the ledger on a PostgreSQL server: --ledger postgresql://HOST/DATABASE; "
            "the scenes may stay on the network disk",
        )


def network_filesystem(folder: PurePath, mounts: Iterable[Mount]) -> str | None:
    """Return the type of the network file system that `folder` lies on, None where it is local.

    The longest mount point that is a parent decides; of two mounts at one point, the later one.
    """
    if str(folder).startswith(("\\\\", "//")):
        return "a network share"
    holding = [m for m in mounts if folder.is_relative_to(m.mountpoint)]
    if not holding:
        return None
    depth = max(len(PurePath(m.mountpoint).parts) for m in holding)
    mount = [m for m in holding if len(PurePath(m.mountpoint).parts) == depth][-1]
    fstype = mount.fstype.lower()
    remote_fuse = fstype.startswith("fuse.") and fstype not in _LOCAL_FUSE
    if fstype in _NETWORK or remote_fuse or "remote" in mount.opts.split(","):
        return mount.fstype or "a network drive"
    return None


def local_mounts() -> list[Mount]:
    """Return what is mounted on this machine."""
    return [Mount(p.mountpoint, p.fstype, p.opts) for p in psutil.disk_partitions(all=True)]


def _not_a_ledger(got: str) -> BadInputError:
    return BadInputError(
        "this is no place for a ledger",
        expected="a store folder, or postgresql://HOST[:PORT]/DATABASE",
        got=got,
        remedy=f"leave --ledger out to use the store's own {LEDGER_FILE}",
    )
