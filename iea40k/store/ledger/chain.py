"""The chain of an image: each row's hash covers the row and the hash before it, so that tampering shows.

A chain cannot keep a person with the database's file from rewriting all of it; what it shows is any row changed,
removed or slipped in since a hash was noted elsewhere: see `iea40k.store.ledger.seals`.
"""

import hashlib
import heapq
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from json.encoder import encode_basestring
from operator import itemgetter
from typing import Any

import sqlalchemy as sa

from iea40k.recipe import canonical_json
from iea40k.store.ledger.schema import JOURNALS

_AT_ONCE = 5000
FIRST = ""
"""The hash before an image's first row."""


def row_hash(journal: str, row: Mapping[str, Any]) -> str:
    """Return the sha256 (64 hex digits) of a row: every column but `hash`; bytes stand in as their own sha256."""
    plain = {name: _plain(value) for name, value in row.items() if name != "hash"}
    return hashlib.sha256(canonical_json({"journal": journal, "row": plain}).encode()).hexdigest()


def flat_row_hash(journal: str, columns: Sequence[str]) -> Callable[[Sequence[str | int | None]], str]:
    """Return a function that gives the `row_hash` of a row of texts and whole numbers, a fourth of the time.

    It takes the values in the order of `columns`, which are two or more and all but `hash`.
    """
    in_order = sorted(columns)
    values_of = itemgetter(*(columns.index(name) for name in in_order))
    cells = ",".join(f"{encode_basestring(name)}:%s" for name in in_order)
    form = f'{{"journal":{encode_basestring(journal)},"row":{{{cells}}}}}'

    def hashed(row: Sequence[str | int | None]) -> str:
        text = form % tuple(
            [
                encode_basestring(value)
                if type(value) is str
                else "null"
                if value is None
                else int.__repr__(value)
                for value in values_of(row)
            ]
        )
        return hashlib.sha256(text.encode()).hexdigest()

    return hashed


def broken_links(
    journal: str, rows: Iterable[Mapping[str, Any]], head: tuple[int, str] | None = None
) -> list[str]:
    """Return what is wrong with one image's rows, given in the order of `seq`; nothing for a sound chain.

    `head` is the last link's (seq, hash) as noted elsewhere: without it, rows cut off the end do not show.
    """
    problems: list[str] = []
    seq, link = 0, FIRST
    for row in rows:
        name = f"{journal} entry {row['entry']}"
        if row["seq"] != seq + 1:
            problems.append(f"{name}: number {row['seq']} of its image follows number {seq}")
        if row["previous"] != link:
            problems.append(f"{name}: does not continue the row before it")
        if row_hash(journal, row) != row["hash"]:
            problems.append(f"{name}: its content is not what was recorded")
        seq, link = row["seq"], row["hash"]
    if head is not None and (seq, link) != tuple(head):
        problems.append(f"{journal}: the last row is number {seq}, the ledger noted number {head[0]}")
    return problems


def links(connection: sa.Connection, cursor: int | None = None) -> Iterator[tuple[int, str, str]]:
    """Yield (entry, journal, hash) of every row up to entry `cursor`, in their order; in bounded memory."""
    with ExitStack() as stack:
        found = []
        for table in JOURNALS:
            query = sa.select(table.c.entry, sa.literal(table.name), table.c.hash).order_by(table.c.entry)
            if cursor is not None:
                query = query.where(table.c.entry <= cursor)
            rows = connection.execute(query, execution_options={"yield_per": _AT_ONCE})
            found.append(stack.enter_context(rows))
        yield from (tuple(row) for row in heapq.merge(*found))


def _plain(value: Any) -> Any:
    return hashlib.sha256(value).hexdigest() if isinstance(value, bytes | memoryview) else value
