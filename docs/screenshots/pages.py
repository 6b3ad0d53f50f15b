"""Pages in Chromium: the report and TensorBoard."""

import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

from screenshots.commands import iea40k

SHOWN = "coffee_N2"
TRAIN = ("train", "release", "--out", "run", "--config", "demo", "--set", "max_steps=60")


def report(store: Path, folder: Path) -> None:
    """Take the report of a store: what needs attention, and an image under the slider."""
    page = store.parent / "report.html"
    iea40k(store.parent, "report", store.name, "-o", page.name)
    with _Browser() as tab:
        tab.goto(page.as_uri())
        tab.wait_for_selector(".tile[data-drawn]")
        tab.screenshot(path=folder / "curator-report.png")
        tab.locator(".tile").first.click()
        tab.wait_for_selector("#viewer[open]")
        box = tab.locator("#map").bounding_box()
        tab.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
        tab.wait_for_timeout(500)
        tab.screenshot(path=folder / "curator-viewer.png")


def demo(file: Path) -> None:
    """Take the report of the demo's release: an image in the viewer, its residual, and the values of a pixel."""
    with tempfile.TemporaryDirectory() as scratch:
        work = Path(scratch)
        iea40k(work, "demo", "--out", "demo")
        iea40k(work, "report", "demo/release", "-o", "report.html")
        picture_of_demo(work / "report.html", file)


def picture_of_demo(page: Path, file: Path) -> None:
    """Take the README's picture of a report of the demo. In 256 colours: a third of the bytes, and no eye tells."""
    from PIL import Image

    with _Browser() as tab:
        tab.set_viewport_size({"width": 1120, "height": 690})
        tab.goto(f"{page.as_uri()}#{SHOWN}")
        tab.wait_for_selector(f"#viewer[data-drawn='{SHOWN}']")
        box = tab.locator("#map").bounding_box()
        tab.mouse.move(box["x"] + 0.36 * box["width"], box["y"] + 0.4 * box["height"])
        tab.wait_for_function("document.getElementById('readout').textContent.includes('zone')")
        tab.screenshot(path=file)
    with Image.open(file) as shot:
        whole = shot.convert("RGB")
        small = whole.quantize(palette=whole.quantize(256), dither=Image.Dither.FLOYDSTEINBERG)
    small.save(file, optimize=True)


def trainer(work: Path, folder: Path) -> None:
    """Train for some steps as the trainer's tutorial does; take TensorBoard's page and a heat map."""
    iea40k(work, "release", "store", "release", "--version", "1.0.0")
    iea40k(work, *TRAIN)
    iea40k(work, "predict", "curve_net", "demo/photographs/brackets/flower/00.jpg", "-o", "maps")
    shutil.copy(work / "maps/00_heatmap.png", folder / "trainer-heatmap.png")
    port = 6123
    with subprocess.Popen(
        [sys.executable, "-m", "tensorboard.main", "--logdir", "run", "--port", str(port), "--bind_all"],
        cwd=work, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    ) as server:  # fmt: skip
        try:
            _until(lambda: bool(urllib.request.urlopen(f"http://localhost:{port}/", timeout=5).status))
            with _Browser() as tab:
                tab.goto(f"http://localhost:{port}/#timeseries")
                tab.wait_for_timeout(12000)
                tab.screenshot(path=folder / "trainer-tensorboard.png")
        finally:
            server.terminate()


class _Browser:
    def __enter__(self) -> Any:
        from playwright.sync_api import sync_playwright

        self._player = sync_playwright().start()
        path = shutil.which("chromium") or shutil.which("google-chrome")
        self._browser = self._player.chromium.launch(executable_path=path, args=["--no-sandbox"])
        return self._browser.new_page(viewport={"width": 1280, "height": 860})

    def __exit__(self, *_: object) -> None:
        self._browser.close()
        self._player.stop()


def _until(done: Callable[[], bool], seconds: float = 90) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            if done():
                return
        except OSError:
            time.sleep(0.5)
    raise SystemExit("TensorBoard did not answer")
