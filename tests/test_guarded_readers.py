"""Outside of builds too, a file that its decoder dies of, or hangs on, costs itself and nothing else."""

import contextlib
import json
import os
import sys
from collections.abc import Callable, Iterator
from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

from iea40k import isolation
from iea40k.capture import Capture
from iea40k.errors import LimitError
from iea40k.isolation import Isolated, Limits, guarded
from iea40k.store.layout import Store
from iea40k.store.release import Release
from pipelines import fivek_fetch
from pipelines.bracket_manifest import Found, _read
from pipelines.cli.program import run
from pipelines.official.importing import import_official
from pipelines.official.tree import read_tree
from tests.pipelines.fivek_tree import IDS, write_photo
from tests.pipelines.test_fivek import entry
from tests.torture.works import export, release, write_scenes

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")


@pytest.fixture
def helper(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[Limits], None]]:
    """Give this process a helper with limits of a test's own."""
    with contextlib.ExitStack() as stack:

        def give(limits: Limits) -> None:
            monkeypatch.setattr(isolation._Helper, "isolated", stack.enter_context(Isolated(limits)))
            monkeypatch.setattr(isolation._Helper, "owner", os.getpid())

        yield give


def nested() -> int:
    return int(guarded(os.getpid))


def test_a_process_that_dies_costs_its_call(helper: Callable[[Limits], None]) -> None:
    helper(Limits())
    with pytest.raises(LimitError, match="SIGABRT"):
        guarded(os.abort)
    first = guarded(os.getpid)
    assert first != os.getpid()
    assert guarded(nested) == first, "in a helper it is a plain call"


def test_predict_goes_on_after_a_file_that_kills_its_decoder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, helper: Callable[[Limits], None],
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    pytest.importorskip("torch")
    (tmp_path / "shadow").mkdir()
    (tmp_path / "shadow" / "rawpy.py").write_text(
        "import os\nLibRawError = Exception\n\ndef imread(path):\n    os.abort()\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path / "shadow"))
    helper(Limits())
    picture = np.full((40, 48, 3), 90, np.uint8)
    for name in ("a.png", "c.png"):
        Image.fromarray(picture).save(tmp_path / name)
    (tmp_path / "b.crw").write_bytes(b"II\x1a\0\0\0HEAPCCDR" + bytes(200))
    images = [str(tmp_path / name) for name in ("a.png", "b.crw", "c.png")]
    assert run(["predict", "p_ieanet_s", *images, "-o", str(tmp_path / "out")]) == 1
    assert "SIGABRT" in capsys.readouterr().err
    assert sorted(p.name for p in (tmp_path / "out").glob("*.json")) == ["a.json", "c.json"]


def test_scenes_that_take_too_long_cost_themselves_in_an_import(
    tmp_path: Path, helper: Callable[[Limits], None]
) -> None:
    write_scenes(tmp_path)
    release(tmp_path)
    export(tmp_path)
    assert len(Release.open(tmp_path / "release")) == 4
    helper(Limits(seconds=0.01))
    store = Store.create(tmp_path / "imported")
    report = import_official(read_tree(tmp_path / "export"), store)
    assert (report.scenes, len(report.problems)) == (0, 2)
    assert {entry.error for entry in store.quarantined()} == {"LimitError"}


def test_a_photograph_that_takes_too_long_is_left_out_of_a_manifest(
    tmp_path: Path, helper: Callable[[Limits], None]
) -> None:
    Image.fromarray(np.zeros((8, 8, 3), np.uint8)).save(tmp_path / "a.jpg")
    helper(Limits(seconds=0.01))
    captures: list[Capture] = []
    found = Found()
    _read(tmp_path / "a.jpg", tmp_path, captures, found)
    assert captures == []
    assert "took too long" in found.failures[0][1]


@pytest.fixture
def deadly(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, helper: Callable[[Limits], None]) -> Path:
    """Return a photograph that kills its decoder, and this process with it where it is not decoded elsewhere."""
    (tmp_path / "shadow").mkdir()
    (tmp_path / "shadow" / "rawpy.py").write_text(
        "import os\nLibRawError = Exception\n\ndef imread(path):\n    os.abort()\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path / "shadow"))
    monkeypatch.delitem(sys.modules, "rawpy", raising=False)
    helper(Limits())
    (tmp_path / "deadly.crw").write_bytes(b"II\x1a\0\0\0HEAPCCDR" + bytes(200))
    return tmp_path / "deadly.crw"


def test_score_says_that_the_decoder_died(
    tmp_path: Path, deadly: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("torch")
    np.save(tmp_path / "r.npy", np.zeros((8, 8), np.float32))
    criteria = str(next(Path(str(files("manifests.criteria"))).glob("*.yaml")))
    assert run(["score", str(deadly), "--criteria", criteria]) != 0
    assert "SIGABRT" in capsys.readouterr().err
    assert run(["score", str(tmp_path / "r.npy"), "--criteria", criteria, "--mask", str(deadly)]) != 0
    assert "SIGABRT" in capsys.readouterr().err


def test_judge_loses_one_image_to_a_decoder_that_dies(
    tmp_path: Path, deadly: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("torch")
    for folder in ("one", "other"):
        (tmp_path / folder).mkdir()
        for name in ("a.png", "b.png"):
            Image.fromarray(np.full((40, 48, 3), 90, np.uint8)).save(tmp_path / folder / name)
    (tmp_path / "other" / "b.png").unlink()
    deadly.rename(tmp_path / "other" / "b.crw")
    assert run(["judge", "p_ieanet_s", str(tmp_path / "one"), str(tmp_path / "other")]) == 1
    said = capsys.readouterr()
    assert "SIGABRT" in said.err
    assert "over 1 images" in said.out


def test_the_python_doors_survive_it(deadly: Path) -> None:
    pytest.importorskip("torch")
    import iea40k

    with pytest.raises(LimitError, match="SIGABRT"):
        iea40k.predict(deadly)


def test_a_structure_that_takes_too_long_costs_its_file_in_fivek(
    tmp_path: Path, helper: Callable[[Limits], None]
) -> None:
    tifffile.imwrite(tmp_path / "a.tif", np.zeros((8, 8, 3), np.uint8), photometric="rgb")
    assert fivek_fetch.verify(tmp_path, ["a.tif"]) == (["a.tif"], [])
    helper(Limits(seconds=0.01))
    good, bad = fivek_fetch.verify(tmp_path, ["a.tif"])
    assert good == []
    assert "took too long" in str(bad[0])


def test_a_manifest_of_fivek_names_the_file_that_takes_too_long(
    tmp_path: Path, helper: Callable[[Limits], None], capsys: pytest.CaptureFixture[str]
) -> None:
    write_photo(tmp_path / "tree", IDS[0])
    (tmp_path / "tree" / "training.json").write_text(json.dumps({IDS[0]: entry(1)}), "utf-8")
    helper(Limits(seconds=0.01))
    run(["manifest", "fivek", str(tmp_path / "tree"), "-o", str(tmp_path / "m.csv")])
    assert "took too long" in capsys.readouterr().err
