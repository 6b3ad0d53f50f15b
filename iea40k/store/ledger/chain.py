"""The chain of an image: each row's hash covers the row and the hash before it, so that tampering shows.

A chain cannot keep a person with the database's file from rewriting all of it; what it shows is any row changed,
removed or slipped in since a hash was noted elsewhere. Every release notes the hashes of its cursor.
"""

import hashlib
from collections.abc import Iterable, Mapping
from typing import Any

from iea40k.recipe import canonical_json

FIRST = ""
"""The hash before an image's first row."""


def row_hash(journal: str, row: Mapping[str, Any]) -> str:
    """Return the sha256 (64 hex digits) of a row: every column but `hash`; bytes stand in as their own sha256."""
    plain = {name: _plain(value) for name, value in row.items() if name != "hash"}
    return hashlib.sha256(canonical_json({"journal": journal, "row": plain}).encode()).hexdigest()


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


def _plain(value: Any) -> Any:
    return hashlib.sha256(value).hexdigest() if isinstance(value, bytes | memoryview) else value
