"""Stores in which a scene is as an older revision made it, and builds over them by the command."""

from pathlib import Path

from iea40k.manifest import read_manifest
from iea40k.store.layout import Store
from pipelines.cli.program import run
from pipelines.config import read_config
from pipelines.scene_task import Outcome, build_one


def write_manifest(folder: Path, kind: str, suffix: str, *names: str) -> None:
    """List scenes of one file each, NAME + suffix."""
    rows = "".join(f"{name},{kind},{name}{suffix},CC0-1.0\n" for name in names)
    (folder / "manifest.csv").write_text("scene_id,kind,exposures,licence\n" + rows, encoding="utf-8")


def build_here(folder: Path) -> list[Outcome]:
    """Build what the manifest lists in this process: one of its own would not have the older revision."""
    store = Store.create(folder / "store")
    config = read_config(folder / "config.yaml")
    return [build_one(scene, config, store) for scene in read_manifest(folder / "manifest.csv").scenes]


def rebuild(folder: Path, *more: str) -> int:
    """Run `iea40k build`, and return its exit code."""
    arguments = [str(folder / "manifest.csv"), str(folder / "store"), "--config", str(folder / "config.yaml")]
    return run(["build", *arguments, *more])
