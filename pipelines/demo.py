"""The demo: photographs that the dependencies ship become RAW files and brackets, a store, and a verified release."""

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from iea40k.errors import AlreadyExistsError, IEAError
from iea40k.files import AnyPath
from iea40k.render import Palette
from iea40k.store.layout import Store
from iea40k.store.release import ReleaseOptions, verify_release, write_release
from pipelines.build import BuildReport, build
from pipelines.demo_training import DemoTraining, can_train, train_demo
from pipelines.scene_task import Outcome
from pipelines.sheets import write_contact_sheets
from pipelines.synthetic import PHOTOGRAPHS, make_project

VERSION = "0.1.0"
PALETTES: tuple[Palette, ...] = ("blue-white-red", "colour-blind-safe")
_MARK = "iea40k-demo.txt"


@dataclass(frozen=True)
class DemoResult:
    """Where everything of a demo lies, and what its build reported."""

    manifest: Path
    store: Path
    release: Path
    sheet: Path
    report: BuildReport
    training: DemoTraining | None = None


def run_demo(
    out: AnyPath,
    *,
    say: Callable[[str], None] = lambda _: None,
    built: Callable[[Outcome, int, int], None] = lambda *_: None,
) -> DemoResult:
    """Run the whole way below `out`, a folder that is new, empty, or an earlier demo's.

    An earlier demo is made anew: its folder carries a mark. Raises `AlreadyExistsError` for any other folder that
    is not empty, and `IEAError` where the release does not verify.
    """
    out = Path(out)
    _prepare(out)
    say(f"making RAW files and brackets of {len(PHOTOGRAPHS)} photographs")
    manifest = make_project(out / "photographs")
    say("building: develop, align, reference, residuals, outlier flags")
    report = build(manifest, out / "store", progress=built)
    store = Store.open(out / "store")
    say("releasing: shards, tables, splits, checksums")
    release = write_release(store, out / "release", ReleaseOptions(VERSION)).path
    say("verifying the release")
    problems = verify_release(release)
    if problems:
        raise IEAError("the release does not verify", where=release, got="; ".join(map(str, problems[:5])))
    say("drawing the contact sheet")
    everything = len(store.scene_ids())
    (sheet,) = write_contact_sheets(store, out / "sheets", per_sheet=max(everything, 1), palettes=PALETTES)
    training = None
    if can_train():
        say("training a small network on the release, for some seconds")
        training = train_demo(release, out / "training")
    return DemoResult(manifest, out / "store", release, sheet, report, training)


def _prepare(out: Path) -> None:
    if out.exists() and any(out.iterdir()):
        if not (out / _MARK).is_file():
            raise AlreadyExistsError(
                "this folder is not empty and is not an earlier demo's",
                where=out,
                remedy="name another folder with --out",
            )
        shutil.rmtree(out)
    out.mkdir(parents=True, exist_ok=True)
    (out / _MARK).write_text("Made by `iea40k demo`; the next demo in this folder makes it anew.\n", "utf-8")
