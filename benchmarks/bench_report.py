"""The report of 5,000 scenes of nine levels: its size, and how long a browser needs to its first picture.

The scenes are turned crops of photographs that scikit-image ships, no two the same; they are made in memory, since
reading a store has benchmarks of its own.
"""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from skimage import data

from benchmarks.harness import Figure
from iea40k.residuals import residual_codes
from pipelines.report.sources import Pixels, ReportScene, Source
from pipelines.report.writing import write_report_of

TITLE = "The report of 5,000 scenes"
SCENES = 5000
EVS = tuple(float(ev) for ev in range(-4, 5))
LEVELS = ("N4", "N3", "N2", "N1", "P0", "P1", "P2", "P3", "P4")


def simulated(count: int, names: str = "scene_{:05d}") -> Source:
    """A release of so many scenes."""
    photographs = [data.astronaut(), data.coffee(), data.chelsea(), data.rocket()]

    def scene(number: int) -> ReportScene:
        rng = np.random.default_rng(number)

        def pixels() -> Pixels:
            whole = photographs[number % len(photographs)]
            top, left = (int(rng.integers(0, side - 200)) for side in whole.shape[:2])
            reference = np.ascontiguousarray(
                np.rot90(whole[top : top + 192, left : left + 192], number // 4 % 4)
            )
            gains = 2.0 ** (np.array(EVS) / 2.2)
            exposures = np.stack([np.clip(reference * gain, 0, 255).astype(np.uint8) for gain in gains])
            return Pixels(reference, exposures, residual_codes(reference, exposures, None))

        return ReportScene(
            names.format(number),
            {"kind": "raw", "licence": "CC0-1.0", "split": ("train", "test")[number % 5 == 0]},
            LEVELS,
            EVS,
            tuple(float(v) for v in rng.uniform(0, 1, 9).round(3)),
            (0.0,) * 9,
            (0.05,) * 9,
            float(rng.uniform(0.4, 1.0)),
            "could be 0.11 otherwise",
            (),
            pixels,
        )

    def scenes() -> Iterator[ReportScene]:
        return (scene(number) for number in range(count))

    return Source("release", f"{count} scenes", (("scenes", str(count)),), (), count, scenes)


def first_picture(page: Path) -> float:
    """Return the milliseconds from the start of the page to its first picture, in Chromium."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as player:
        browser = player.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        tab = browser.new_page(viewport={"width": 1366, "height": 768})
        tab.goto(page.as_uri(), wait_until="commit")
        tab.wait_for_selector(".tile[data-drawn]", timeout=60_000)
        found = tab.evaluate("performance.getEntriesByName('picture')[0].startTime")
        browser.close()
    return float(found)


def run() -> list[Figure]:
    with tempfile.TemporaryDirectory() as folder:
        small, large = Path(folder) / "small.html", Path(folder) / "large.html"
        write_report_of(simulated(10), small)
        size = write_report_of(simulated(SCENES), large).size / 1e6
        few, many = (min(first_picture(page) for _ in range(3)) for page in (small, large))
    images = SCENES * len(EVS)
    return [
        Figure("size", size, "MB", f"{SCENES} scenes, {images} images", "at most 30", size <= 30, ""),
        Figure(
            "first picture", many, "ms", "Chromium", "at most 1000", many <= 1000, f"10 scenes: {few:.0f} ms"
        ),
    ]
