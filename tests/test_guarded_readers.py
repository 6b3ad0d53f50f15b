"""Outside of builds too, a file that its decoder dies of, or hangs on, costs itself and nothing else."""

import contextlib
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from iea40k import isolation
from iea40k.capture import Capture
from iea40k.errors import LimitError
from iea40k.isolation import Isolated, Limits, guarded
from iea40k.store.layout import Store
from iea40k.store.release import Release
from pipelines.bracket_manifest import Found, _read
from pipelines.cli.program import run
from pipelines.official.importing import import_official
from pipelines.official.tree import read_tree
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
