import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import rawpy
from PIL import Image

from iea40k.errors import AlreadyExistsError
from iea40k.render import palette_table
from iea40k.store.layout import Store
from pipelines.demo import run_demo
from pipelines.dng import Camera, write_dng
from pipelines.synthetic import PHOTOGRAPHS, load_photograph
from pipelines.taxonomy import load_taxonomy

ROOT = Path(__file__).parents[2]


@pytest.mark.slow
def test_the_demo_goes_the_whole_way_and_again(tmp_path):
    out = tmp_path / "demo"
    command = [sys.executable, "-m", "pipelines.cli", "demo", "--out", str(out)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "release verified" in done.stderr
    said = dict(line.split(None, 1) for line in done.stdout.splitlines())
    assert {"manifest:", "store:", "release:"} <= set(said)
    assert "trained" in done.stderr
    assert (out / "training").is_dir()
    assert all(Path(path).exists() for path in said.values() if Path(path).is_absolute())
    store = Store.open(out / "store")
    assert store.scene_ids() == sorted(p.name for p in PHOTOGRAPHS)
    assert store.quarantined() == []
    colours = {tuple(c) for c in np.asarray(Image.open(out / "sheets" / "sheet-001.png")).reshape(-1, 3)[::7]}
    for palette in ("blue-white-red", "colour-blind-safe"):
        assert tuple(palette_table(palette)[255 + 40]) in colours  # type: ignore[arg-type]


def test_the_demo_spares_a_folder_that_is_not_its_own(tmp_path):
    (tmp_path / "thesis.txt").write_text("months of work")
    with pytest.raises(AlreadyExistsError):
        run_demo(tmp_path)
    assert (tmp_path / "thesis.txt").read_text() == "months of work"


def test_every_demo_photograph_is_shipped_by_the_dependencies_and_classed_by_the_taxonomies():
    taxonomy = load_taxonomy()
    for photograph in PHOTOGRAPHS:
        classes = {name: getattr(photograph, name) for name in ("super_class", "scene_class", "light")}
        assert taxonomy.faults(classes) == {}
        picture = load_photograph(photograph)
        assert picture.dtype == np.uint8
        assert min(picture.shape[:2]) >= 300
        assert picture.shape[2] == 3


def test_a_synthetic_dng_gives_back_the_light_that_was_written(tmp_path):
    light = np.full((64, 96, 3), (0.2, 0.3, 0.1), np.float32)
    light[:, 48:] = (0.7, 0.6, 0.5)
    write_dng(tmp_path / "a.dng", light, Camera(baseline_exposure=0.5), seed=1)
    with rawpy.imread(str(tmp_path / "a.dng")) as raw:
        picture = raw.postprocess(
            use_camera_wb=True, no_auto_bright=True, adjust_maximum_thr=0, output_bps=16, gamma=(1, 1), half_size=True
        )  # fmt: skip
        assert raw.white_level == 16383
    measured = picture / 65535 * 2**0.5
    np.testing.assert_allclose(measured[4:-4, 4:20].mean((0, 1)), (0.2, 0.3, 0.1), rtol=0.01)
    np.testing.assert_allclose(measured[4:-4, 28:44].mean((0, 1)), (0.7, 0.6, 0.5), rtol=0.01)
    write_dng(tmp_path / "b.dng", light, Camera(baseline_exposure=0.5), seed=1)
    assert (tmp_path / "a.dng").read_bytes() == (tmp_path / "b.dng").read_bytes()
