"""`python -m benchmarks [NAME ...]`: run the benchmarks `bench_NAME.py`, all of them without names."""

import importlib
import sys
from pathlib import Path

from benchmarks.harness import save


def main(names: list[str]) -> None:
    known = sorted(p.stem.removeprefix("bench_") for p in Path(__file__).parent.glob("bench_*.py"))
    unknown = sorted(set(names) - set(known))
    if unknown:
        sys.exit(f"no such benchmark: {', '.join(unknown)}; there are {', '.join(known)}")
    for name in names or known:
        module = importlib.import_module(f"benchmarks.bench_{name}")
        figures = module.run()
        save(name, module.TITLE, figures)
        for f in figures:
            print(
                f"{name:12} {f.name:48} {f.value:10.4g} {f.unit:8} {'' if f.met is None else f.met} {f.note}"
            )


if __name__ == "__main__":
    main(sys.argv[1:])
