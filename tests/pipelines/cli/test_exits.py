"""How commands end: signals, full disks, faults of ours."""

import os
import shutil
import signal
import subprocess
import sys
import time
import warnings
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from iea40k.store.remote.cache import CacheWarning
from pipelines.cli.exits import exit_code
from pipelines.cli.program import run
from tests.builders import built_scene

ROOT = Path(__file__).parents[3]
SIGNALS = [
    pytest.param(name, marks=pytest.mark.skipif(not hasattr(signal, name), reason="not of this system"))
    for name in ("SIGINT", "SIGTERM", "SIGHUP")
]


def many_photographs(folder: Path) -> Path:
    rows = ["scene_id,kind,exposures"]
    for index in range(40):
        noise = np.random.default_rng(index).integers(0, 255, (300, 400, 3), dtype=np.uint8)
        Image.fromarray(noise).save(folder / f"{index}.png")
        rows.append(f"s{index},rendered,{index}.png")
    (folder / "m.csv").write_text("\n".join(rows) + "\n")
    return folder / "m.csv"


def test_a_warning_of_ours_is_a_message_and_one_of_others_is_as_it_was(capsys):
    def call():
        warnings.warn("the cache keeps nothing more\n  way out: make room", CacheWarning, stacklevel=1)
        warnings.warn("of another package", UserWarning, stacklevel=1)

    with warnings.catch_warnings(record=True) as kept:
        warnings.simplefilter("always")
        before = warnings.showwarning
        assert exit_code(call) == 0
        assert warnings.showwarning is before
    said = capsys.readouterr().err
    assert said.startswith("the cache keeps nothing more\n  way out: make room\n")
    assert "CacheWarning" not in said
    assert [str(warning.message) for warning in kept] == ["of another package"]


@pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")
@pytest.mark.parametrize("name", SIGNALS)
def test_a_signal_stops_a_build_and_the_same_command_goes_on(name, tmp_path):
    number = getattr(signal, name)
    manifest, store = many_photographs(tmp_path), tmp_path / "store"
    command = [sys.executable, "-m", "iea40k", "build", str(manifest), str(store)]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, cwd=ROOT)
    scenes = store / "scenes"
    while process.poll() is None and not (scenes.is_dir() and any(scenes.iterdir())):
        time.sleep(0.02)
    process.send_signal(number)
    said = process.communicate()[1]
    assert process.returncode == 128 + number
    assert f"stopped by {name}" in said
    assert "same command again" in said
    assert "Traceback" not in said
    assert run(["build", str(manifest), str(store)]) == 0


@pytest.mark.skipif(os.name == "nt", reason="pipes of POSIX")
@pytest.mark.parametrize("line", ["say('a table')", "Terminal().print('a table')"])
def test_a_reader_that_has_gone_is_no_fault(line):
    code = (
        "import sys; from iea40k.terminal import Terminal, say; from pipelines.cli.exits import exit_code; "
        f"sys.exit(exit_code(lambda: {line}))"
    )
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(
        [sys.executable, "-c", code], stdout=writing, stderr=subprocess.PIPE, text=True, cwd=ROOT, check=False
    )
    os.close(writing)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.fixture
def small_disk(tmp_path):
    """A disk of 256 KiB."""
    if sys.platform != "linux" or os.geteuid() != 0 or shutil.which("mount") is None:
        pytest.skip("a small disk needs root on Linux")
    folder = tmp_path / "disk"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(folder)]
    if subprocess.run(command, check=False, capture_output=True).returncode:
        pytest.skip("tmpfs cannot be mounted here")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def told_of_a_full_disk(capsys) -> bool:
    said = capsys.readouterr().err
    return "the disk is full" in said and "Traceback" not in said and "unexpected" not in said


def photograph(folder: Path) -> Path:
    noise = np.random.default_rng(0).integers(0, 255, (600, 800, 3), dtype=np.uint8)
    Image.fromarray(noise).save(folder / "photo.png")
    return folder / "photo.png"


def test_a_full_disk_stops_predict(small_disk, tmp_path, capsys):
    pytest.importorskip("torch")
    photo = photograph(tmp_path)
    other = photo.with_name("other.png")
    shutil.copy(photo, other)
    assert run(["predict", "p_ieanet_s", str(photo), str(other), "-o", str(small_disk / "out")]) == 1
    assert told_of_a_full_disk(capsys)
    assert list((small_disk / "out").iterdir()) == []


@pytest.fixture
def release(tmp_path):
    from iea40k.store.layout import Store

    store = Store.create(tmp_path / "store")
    for index in range(24):
        store.write_scene(built_scene(f"s{index}", seed=index, shape=(96, 128)))
    assert run(["release", str(tmp_path / "store"), str(tmp_path / "release"), "--version", "1.0.0"]) == 0
    return tmp_path / "release"


def test_a_full_disk_stops_train_and_export(small_disk, release, tmp_path, capsys):
    pytest.importorskip("torch")
    config = tmp_path / "c.yaml"
    config.write_text("max_steps: 2\noptimizer:\n  warmup_steps: 1\n")
    capsys.readouterr()
    assert run(["train", str(release), "--out", str(small_disk / "run"), "--config", str(config)]) == 1
    assert told_of_a_full_disk(capsys)
    shutil.rmtree(small_disk / "run", ignore_errors=True)
    assert (
        run(["export", str(release), str(small_disk / "out"), "--format", "official", "--size", "256"]) == 1
    )
    assert told_of_a_full_disk(capsys)
    # What an export has written stays beside it, for the same command to go on with; a training leaves nothing.
    assert [path.name for path in small_disk.iterdir()] == [".out.partial"]


def test_what_only_libraw_says_costs_one_image(tmp_path, capsys, monkeypatch):
    pytest.importorskip("torch")
    import rawpy

    good, bad = photograph(tmp_path), tmp_path / "a.dng"
    bad.write_bytes(b"II*\0" + bytes(600))

    def refuse(*_):
        raise rawpy.LibRawError("a text, not bytes")

    monkeypatch.setattr("iea40k.isolation._Helper.serving", True)  # read here, where the test reaches
    monkeypatch.setattr(rawpy, "imread", refuse)
    monkeypatch.setattr("iea40k.develop.load.probe", lambda path: "raw" if path == bad else "png")
    assert run(["predict", "p_ieanet_s", str(bad), str(good), "-o", str(tmp_path / "out")]) == 1
    said = capsys.readouterr()
    assert "a text, not bytes" in said.err
    assert (tmp_path / "out" / "photo.json").is_file()


def test_a_fault_of_ours_costs_one_image(tmp_path, capsys, monkeypatch):
    pytest.importorskip("torch")
    from iea40k.model import predict

    good, bad = photograph(tmp_path), tmp_path / "bad.png"
    shutil.copy(good, bad)
    real = predict._write

    def write(out, stem, *rest):
        if stem == "bad":
            raise AttributeError("no such thing")
        real(out, stem, *rest)

    monkeypatch.setattr(predict, "_write", write)
    assert run(["predict", "p_ieanet_s", str(bad), str(good), "-o", str(tmp_path / "out")]) == 1
    assert "AttributeError: no such thing" in capsys.readouterr().err
    assert (tmp_path / "out" / "photo.json").is_file()
