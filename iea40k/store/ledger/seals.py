"""Seals: a ledger's root digest, noted where whoever changes the ledger does not reach it.

One digest covers every row up to an entry. A ledger that was rewritten, cut short, emptied, or replaced by an older
copy is sound in itself; it does not give the digest that was noted. A store keeps its seals beside its ledger, one line
of JSON each; a person notes the newest one elsewhere too.
"""

import datetime as dt
import hashlib
import json
import os
import re
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import sqlalchemy as sa

from iea40k.errors import BadInputError, CorruptDataError
from iea40k.files import disk_errors, fsync_folder
from iea40k.store.kinds import SEALS_FILE
from iea40k.store.ledger.chain import links
from iea40k.store.ledger.ledger import Ledger
from iea40k.texts import parse_json

_FORM = re.compile(r"^([0-9a-f]{32}):(\d{1,18}):([0-9a-f]{64})$")


@dataclass(frozen=True)
class Seal:
    """What a ledger was up to an entry.

    `root` is the sha256 (64 hex digits) over the ledger's id and the hash of each row up to entry `cursor`, in their
    order; `time` is when it was noted, ISO 8601 UTC, and `note` what for, both for people.
    """

    ledger_id: str
    cursor: int
    root: str
    time: str = ""
    note: str = ""

    def __str__(self) -> str:
        return f"{self.ledger_id}:{self.cursor}:{self.root}"

    @classmethod
    def parse(cls, text: str) -> "Seal":
        """Return the seal that a person noted as `str(seal)`. Raises `BadInputError`."""
        found = _FORM.match(text.strip())
        if found is None:
            raise BadInputError(
                "this is no seal of a ledger",
                expected="LEDGER:ENTRY:DIGEST, as `iea40k queue STORE seal` prints it",
                got=repr(text),
            )
        return cls(found[1], int(found[2]), found[3])


def root_digest(ledger: Ledger, cursor: int | None = None) -> Seal:
    """Return the seal of a ledger up to entry `cursor`, or up to its end.

    Raises `BadInputError` for a cursor that the ledger has not reached, and `LedgerError` for a login that does not see
    every row.
    """
    ledger.check_sees_all()
    reached = ledger.cursor()
    at = reached if cursor is None else cursor
    if not 0 <= at <= reached:
        raise BadInputError(
            "the ledger has no such entry",
            where=ledger.database.name,
            expected=f"0 ... {reached}",
            got=f"{at}",
        )
    with ledger.database.read() as connection:
        ledger_id = ledger.ledger_id()
        return Seal(ledger_id, at, _roots(connection, ledger_id, [at])[at])


def keep_seal(store: Path, seal: Seal, note: str) -> None:
    """Add a seal to those of a store; on the disk when this returns. Raises `StoreError` where it cannot be written."""
    file = store / SEALS_FILE
    now = dt.datetime.now(dt.UTC).isoformat(timespec="seconds")
    line = json.dumps({**asdict(seal), "time": now, "note": note}, ensure_ascii=False) + "\n"
    with disk_errors(file):
        descriptor = os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666)
        try:
            os.write(descriptor, line.encode())
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        fsync_folder(store)


def kept_seals(store: Path) -> list[Seal]:
    """Return the seals of a store, the oldest first. Raises `CorruptDataError` for a line that is no seal."""
    file = store / SEALS_FILE
    if not file.is_file():
        return []
    seals: list[Seal] = []
    for number, line in enumerate(file.read_bytes().splitlines(), 1):
        try:
            record = {name: value for name, value in parse_json(line).items() if name in _FIELDS}
            seal = Seal(**record)
            Seal.parse(str(seal))
        except (ValueError, TypeError, AttributeError, BadInputError) as error:
            raise CorruptDataError(
                "a seal of the ledger cannot be read",
                where=f"{file}, line {number}",
                expected="one line of JSON: ledger_id, cursor, root, time, note",
                got=line[:80].decode(errors="replace"),
                remedy="restore the file from a copy; the seals noted elsewhere still hold",
            ) from error
        seals.append(seal)
    return seals


def broken_seals(ledger: Ledger, seals: Sequence[Seal]) -> list[str]:
    """Return one line for each seal that the ledger does not give; nothing where it is what it was."""
    if not seals:
        return []
    ledger.check_sees_all()
    ledger_id, reached = ledger.ledger_id(), ledger.cursor()
    own = [seal for seal in seals if seal.ledger_id == ledger_id and seal.cursor <= reached]
    with ledger.database.read() as connection:
        roots = _roots(connection, ledger_id, {seal.cursor for seal in own})
    problems = []
    for seal in seals:
        sealed = f"entry {seal.cursor} was sealed" + "".join(f", {t}" for t in (seal.time, seal.note) if t)
        if seal.ledger_id != ledger_id:
            problems.append(f"{sealed}: in another ledger, {seal.ledger_id}")
        elif seal.cursor > reached:
            problems.append(
                f"{sealed}: the ledger ends at entry {reached}; it was cut, or is an older copy of itself"
            )
        elif roots[seal.cursor] != seal.root:
            problems.append(f"{sealed}: the rows up to there are not what they were then")
    return problems


def _roots(connection: sa.Connection, ledger_id: str, cursors: Iterable[int]) -> dict[int, str]:
    """Return the root at each cursor, in one pass over the rows."""
    waiting = sorted(set(cursors), reverse=True)
    hasher = hashlib.sha256(f"{ledger_id}\n".encode())
    found: dict[int, str] = {}
    for entry, journal, link in links(connection, max(waiting, default=0)):
        while waiting and waiting[-1] < entry:
            found[waiting.pop()] = hasher.hexdigest()
        hasher.update(f"{entry} {journal} {link}\n".encode())
    return found | dict.fromkeys(waiting, hasher.hexdigest())


_FIELDS = frozenset(Seal.__dataclass_fields__)
