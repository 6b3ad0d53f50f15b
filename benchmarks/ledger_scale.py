"""A ledger of a whole project, simulated row by row in the real schema, and how long its questions take."""

import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from iea40k.agreement import Tally
from iea40k.arrays import validity_from_codes
from iea40k.store.digests import array_digest
from iea40k.store.ledger import Ledger, MapKey, Queue, replay
from iea40k.store.ledger.corrected import read_record
from iea40k.store.ledger.patch import PackedPatch, Patch

EXPERTS = 10
STROKES = 20
LEVELS = ("N4", "N3", "N2", "N1", "P0", "P1", "P2", "P3", "P4")
BASE = np.zeros((64, 96), np.int16)

PAYLOADS = 50

_LEVEL = "CASE i % 9" + "".join(f" WHEN {n} THEN '{level}'" for n, level in enumerate(LEVELS)) + " END"
_ALL = "WITH RECURSIVE numbers(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM numbers WHERE i + 1 < :images)"
_EXPERT = "experts(e) AS (VALUES " + ", ".join(f"({e})" for e in range(EXPERTS)) + ")"
_DRAWN = "drawn(d) AS (VALUES " + ", ".join(f"({d})" for d in range(STROKES)) + ")"
_PLACE = f"printf('a%05d', i / 9) AS scene_id, {_LEVEL} AS level"

_STROKES = f"""
    {_ALL}, {_EXPERT}, {_DRAWN},
    rows AS (SELECT i, e, d, (i * {EXPERTS} + e) * {STROKES} + d + 1 AS entry FROM numbers, experts, drawn)
    INSERT INTO corrections (
        entry, scene_id, level, seq, annotator, lane, stroke_id, kind, image_height, image_width, top, left, height,
        width, pixels, base_digest, tool, token, client_time, server_time, mask, old_codes, new_codes, previous, hash)
    SELECT entry, {_PLACE}, e * {STROKES} + d + 1, 'expert ' || e, 'expert', printf('%032x', entry), 'brush', 64, 96,
        p.top, p.left, p.height, p.width, p.pixels, :digest, '{{"radius":5}}', entry, entry * 1000, entry * 1000,
        p.m, p.o, p.n, printf('%064x', entry - 1), printf('%064x', entry)
    FROM rows CROSS JOIN payload AS p ON p.k = entry % {PAYLOADS}"""

_TASKS = f"""
    {_ALL} INSERT INTO tasks (task, scene_id, level, purpose, reason, priority, slots, free, note, created)
    SELECT i + 1, {_PLACE}, 'expert', 'suspicion', (i * 7919 % 10007) / 10007.0, {EXPERTS},
        CASE WHEN i < :images / 2 THEN 0 ELSE {EXPERTS} END, '{{}}', 0 FROM numbers"""

_ASSIGNMENTS = f"""
    {_ALL}, {_EXPERT} INSERT INTO assignments (assignment, task, annotator, state, token, comment)
    SELECT i * {EXPERTS} + e + 1, i + 1, 'expert ' || e, 'accepted', i * {EXPERTS} + e + 1, ''
    FROM numbers, experts WHERE i < :images / 2"""

_EVENTS = f"""
    {_ALL}, {_EXPERT}, steps(s, event, state) AS (VALUES (0, 'submit', 'submitted'), (1, 'accept', 'accepted')),
    rows AS (SELECT i, e, s, event, state,
        :images * {EXPERTS * STROKES} + (i * {EXPERTS} + e) * 2 + s + 1 AS entry
        FROM numbers, experts, steps WHERE i < :images / 2)
    INSERT INTO events (
        entry, scene_id, level, seq, event_id, task, assignment, purpose, annotator, actor, event, state, comment,
        details, server_time, previous, hash)
    SELECT entry, {_PLACE}, e * 2 + s + 1, printf('%032x', entry), i + 1, i * {EXPERTS} + e + 1, 'expert',
        'expert ' || e, 'expert ' || e, event, state, '',
        CASE s WHEN 0 THEN
        '{{"active_seconds":30.0,"pixels":2000,"strokes":{STROKES},"verdict":"corrected"}}' ELSE '{{}}' END,
        entry * 1000, printf('%064x', entry - 1), printf('%064x', entry) FROM rows"""


def fill(place: Path, images: int) -> None:
    """Fill a new ledger: half of the images mapped by every expert, the other half open for all of them.

    The rows' hashes are stand-ins; size, keys and indexes are real. Triggers are dropped while filling.
    """
    Ledger.open(place, create=True).close()
    connection = sqlite3.connect(place / "ledger.sqlite", isolation_level=None)
    connection.execute("PRAGMA synchronous=OFF")
    triggers = _drop_triggers(connection)
    connection.execute("BEGIN")
    connection.execute(
        "CREATE TEMP TABLE payload (k INTEGER PRIMARY KEY, top, left, height, width, pixels, m, o, n)"
    )
    packed = [_packed(seed) for seed in range(PAYLOADS)]
    connection.executemany(
        "INSERT INTO payload VALUES (?,?,?,?,?,?,?,?,?)",
        [
            (k, p.top, p.left, p.height, p.width, p.pixels, p.mask, p.old_codes, p.new_codes)
            for k, p in enumerate(packed)
        ],
    )
    known = {"images": images, "digest": array_digest(BASE)}
    for statement in (_STROKES, _TASKS, _ASSIGNMENTS, _EVENTS):
        connection.execute(statement, known)
    connection.execute(
        "INSERT INTO heads SELECT 'corrections', scene_id, level, max(seq), 'head' FROM corrections GROUP BY 2, 3"
    )
    connection.execute(
        "INSERT INTO heads SELECT 'events', scene_id, level, max(seq), 'head' FROM events GROUP BY 2, 3"
    )
    last = images * EXPERTS * (STROKES + 2)
    connection.execute("UPDATE counter SET value = ? WHERE name = 'entry'", (last,))
    connection.execute("COMMIT")
    for sql in triggers:
        connection.execute(sql)
    connection.execute("ANALYZE")
    connection.close()


def questions(place: Path, images: int, repeats: int = 60) -> dict[str, float]:
    """Return the median seconds of each question, on images drawn at random."""
    rng = np.random.default_rng(1)
    mapped = rng.choice(images // 2, repeats, replace=False)
    seconds: dict[str, list[float]] = {"lease": [], "lease, far ahead": [], "replay": [], "agreement": []}
    with Ledger.open(place) as ledger:
        queue = Queue(ledger)
        for number in mapped:
            scene_id, level = _image(int(number))
            with _timed(seconds["lease"]):
                lease = queue.lease("expert 3")
            assert lease is not None
            queue.give_back(lease)
            with _timed(seconds["replay"]):
                map_key = MapKey(scene_id, level, "expert 4")
                replay(BASE, ledger.corrections(map_key))
            with _timed(seconds["agreement"]):
                record = read_record(ledger, scene_id, level=level)
                map_keys = record.counted(level, "expert")
                tally = Tally()
                maps = {
                    map_key.annotator: replay(BASE, record.corrections[map_key]).codes for map_key in map_keys
                }
                tally.add(maps, validity_from_codes(BASE))
            assert tally.images == 1
        _map_all_but_one(place, "hare", images)
        for _ in range(20):
            with _timed(seconds["lease, far ahead"]):
                lease = queue.lease("hare")
            assert lease is not None
            queue.give_back(lease)
    return {name: float(np.median(values)) for name, values in seconds.items()}


@contextmanager
def _timed(into: list[float]) -> Iterator[None]:
    start = time.perf_counter()
    yield
    into.append(time.perf_counter() - start)


def _image(number: int) -> tuple[str, str]:
    return f"a{number // len(LEVELS):05d}", LEVELS[number % len(LEVELS)]


def _packed(seed: int) -> PackedPatch:
    rng = np.random.default_rng(seed)
    side = 12
    mask = rng.random((side, side)) < 0.8
    count = int(mask.sum())
    old = np.zeros(count, np.int16)
    new = np.full(count, rng.integers(-5000, 5000), np.int16)
    return PackedPatch.of(Patch(int(rng.integers(0, 50)), int(rng.integers(0, 80)), mask, old, new))


def _map_all_but_one(place: Path, name: str, images: int) -> None:
    """Let one person have had every open image but the last in order: the worst case of looking for free work."""
    connection = sqlite3.connect(place / "ledger.sqlite", isolation_level=None, timeout=30)
    connection.execute("PRAGMA synchronous=OFF")
    triggers = _drop_triggers(connection)
    connection.execute("BEGIN IMMEDIATE")
    connection.execute(
        "INSERT INTO assignments (task, annotator, state, comment) SELECT task, ?, 'submitted', '' FROM"
        " (SELECT task FROM tasks WHERE free > 0 ORDER BY priority DESC, task LIMIT ?)",
        (name, images // 2 - 1),
    )
    mine = "SELECT task FROM assignments WHERE annotator = ?"
    connection.execute(f"UPDATE tasks SET free = free - 1 WHERE task IN ({mine})", (name,))
    connection.execute("COMMIT")
    for sql in triggers:
        connection.execute(sql)
    connection.close()


def _drop_triggers(connection: sqlite3.Connection) -> list[str]:
    """Drop every trigger, and return the statements that make them again."""
    triggers = connection.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'").fetchall()
    for name, _ in triggers:
        connection.execute(f"DROP TRIGGER {name}")
    return [sql for _, sql in triggers]
