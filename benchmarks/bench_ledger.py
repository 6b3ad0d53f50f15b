"""The ledger: crashes, a stroke's price, replay; `ledger_leases` and `ledger_scale` run the longer parts."""

import shutil
import statistics
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import numpy as np

from benchmarks.harness import Figure, interleaved_seconds
from benchmarks.ledger_crash import BASE, DIGEST, kill_writers, stroke
from benchmarks.ledger_leases import run_leases
from benchmarks.ledger_scale import fill, questions
from iea40k.store.ledger import CorrectionDraft, Ledger, MapKey, PackedPatch, Patch, replay

TITLE = "Ledger"

KILLS = 200
PROCESSES, LEASES = 8, 2500
IMAGES = 40_000


def run() -> list[Figure]:
    return [*crashes(), *appends(), *replaying()]


def crashes() -> list[Figure]:
    with tempfile.TemporaryDirectory() as folder:
        count, lost, problems = kill_writers(Path(folder), KILLS)
    return [
        Figure(
            f"acknowledged strokes lost, kill -9 x {KILLS}",
            lost,
            "strokes",
            f"{count} acknowledged",
            "0",
            lost == 0 and not problems,
            f"integrity check and chains: {len(problems)} problems",
        )
    ]


def appends() -> list[Figure]:
    figures: list[Figure] = []
    drafts = [stroke(n) for n in range(300)]
    for name, place in _places():
        with place as where, Ledger.open(where, create=True) as ledger:
            seconds = []
            for draft in drafts:
                start = time.perf_counter()
                ledger.append_correction(draft)
                seconds.append(time.perf_counter() - start)
        size = statistics.mean(
            len(d.patch.old_codes) + len(d.patch.new_codes) for d in drafts if d.patch is not None
        )
        ms = statistics.median(seconds) * 1e3
        figures.append(
            Figure(
                f"append a 64x64 stroke, durable, {name}",
                ms,
                "ms",
                "median of 300",
                "< 15 ms",
                ms < 15,
                f"p99 {np.percentile(seconds, 99) * 1e3:.1f} ms; {size / 1024:.1f} KiB a stroke, 16 KiB raw",
            )
        )
    return figures


def replaying() -> list[Figure]:
    with tempfile.TemporaryDirectory() as folder, Ledger.open(folder, create=True) as ledger:
        map_key = MapKey("scene", "P0", "writer")
        for number in range(500):
            ledger.append_correction(_round(number, map_key))
        log = ledger.corrections(map_key)
        replayed, read = interleaved_seconds(lambda: replay(BASE, log), lambda: ledger.corrections(map_key))
    return [
        Figure(
            "replay 500 strokes on 512x768",
            replayed * 1e3,
            "ms",
            "median of 5",
            "< 100 ms",
            replayed < 0.1,
            f"reading them from SQLite takes another {read * 1e3:.0f} ms",
        )
    ]


def leases() -> list[Figure]:
    figures: list[Figure] = []
    for name, place in _places():
        limit = 100 if name == "SQLite" else 50
        with place as where:
            seconds, double, errors, problems = run_leases(where, PROCESSES, LEASES)
        p99 = float(np.percentile(seconds, 99)) * 1e3
        clean = double == 0 and not errors and not problems and len(seconds) == PROCESSES * LEASES
        figures.append(
            Figure(
                f"lease, p99, {PROCESSES} processes without a pause, {name}",
                p99,
                "ms",
                f"{len(seconds)} leases, each then submitted",
                f"< {limit} ms, none double, no error",
                clean and p99 < limit,
                f"{double} double, {len(errors)} errors; median {np.median(seconds) * 1e3:.1f} ms, "
                f"longest {seconds.max() * 1e3:.0f} ms",
            )
        )
    return figures


def scale() -> list[Figure]:
    measured: list[dict[str, float]] = []
    size = 0
    for images in (IMAGES // 10, IMAGES):
        folder = Path(tempfile.mkdtemp())
        try:
            fill(folder, images)
            size = (folder / "ledger.sqlite").stat().st_size
            measured.append(questions(folder, images))
        finally:
            shutil.rmtree(folder)
    small, large = measured
    return [
        Figure(
            f"{name}: 40,000 images x 10 experts x 20 strokes, against a tenth",
            large[name] / small[name],
            "x",
            f"{small[name] * 1e3:.2f} ms at a tenth",
            "< 2 x",
            large[name] < 2 * small[name],
            f"{large[name] * 1e3:.2f} ms; 8 million strokes, {size / 2**30:.1f} GiB of SQLite",
        )
        for name in small
    ]


def _round(number: int, map_key: MapKey) -> CorrectionDraft:
    """A round brush dab of 64 pixels across, its values feathered."""
    rng = np.random.default_rng(number)
    y, x = np.mgrid[-32:32, -32:32]
    mask = x * x + y * y < 32 * 32
    count = int(mask.sum())
    new = (3000 - 80 * np.hypot(x, y))[mask].astype(np.int16) + np.int16(rng.integers(-100, 100))
    patch = Patch(int(rng.integers(0, 448)), int(rng.integers(0, 704)), mask, np.zeros(count, np.int16), new)
    return CorrectionDraft(
        map_key=map_key, image_shape=(512, 768), base_digest=DIGEST, kind="brush", patch=PackedPatch.of(patch)
    )


def _places() -> list[tuple[str, AbstractContextManager[str]]]:
    found: list[tuple[str, AbstractContextManager[str]]] = [("SQLite", _folder())]
    try:
        import sqlalchemy as sa

        server = sa.create_engine(_SERVER, connect_args={"connect_timeout": 3})
        with server.connect():
            found.append(("PostgreSQL", _database()))
        server.dispose()
    except Exception as error:
        print(f"no PostgreSQL figures: {error}")
    return found


_SERVER = "postgresql+psycopg://postgres@localhost:5432/postgres"


@contextmanager
def _folder() -> Iterator[str]:
    with tempfile.TemporaryDirectory() as folder:
        yield folder


@contextmanager
def _database() -> Iterator[str]:
    import sqlalchemy as sa

    name = f"iea40k_bench_{uuid.uuid4().hex[:8]}"
    engine = sa.create_engine(_SERVER, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(sa.text(f"CREATE DATABASE {name}"))
    try:
        yield f"postgresql://postgres@localhost:5432/{name}"
    finally:
        with engine.connect() as connection:
            connection.execute(sa.text(f"DROP DATABASE {name} WITH (FORCE)"))
        engine.dispose()
