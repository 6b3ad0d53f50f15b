"""`python -m tests.torture.whole_way MANIFEST OUT [WORKERS]`: store, release and exports of photographs by commands."""

import sys
from pathlib import Path

from pipelines.cli.program import run

BUILD = "short_side: 96\n"


def whole_way(manifest: Path, out: Path, workers: str = "1") -> int:
    """Make `out/store`, `out/release` and an export of each form; return the first exit code that is not 0."""
    config = manifest.parent / "build.yaml"
    store, release = str(out / "store"), str(out / "release")
    commands = [
        ["build", str(manifest), store, "--config", str(config), "--workers", workers],
        ["release", store, release, "--version", "1.0.0", "--workers", workers],
        *(
            ["export", release, str(out / form), "--format", form]
            for form in ("official", "huggingface", "webdataset")
        ),
    ]
    return next((code for code in map(run, commands) if code), 0)


if __name__ == "__main__":
    raise SystemExit(whole_way(Path(sys.argv[1]), Path(sys.argv[2]), *sys.argv[3:]))
