"""The ledger of a whole project against one of a tenth; a part of its own, since it writes 4 GiB."""

from benchmarks.bench_ledger import scale
from benchmarks.harness import Figure

TITLE = "Ledger, a whole project's size"


def run() -> list[Figure]:
    return scale()
