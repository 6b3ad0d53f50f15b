"""The ledger when many ask for work at once; a part of its own, since it takes minutes."""

from benchmarks.bench_ledger import leases
from benchmarks.harness import Figure

TITLE = "Ledger, many at once"


def run() -> list[Figure]:
    return leases()
