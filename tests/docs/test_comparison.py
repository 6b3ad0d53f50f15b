"""The comparison with other tools: what its table says of `datasets` and of us is what their scripts find."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.test_page_blocks import _environment

ROOT = Path(__file__).parents[2]


def found(name):
    script = ROOT / "docs" / "comparison" / f"try_{name}.py"
    done = subprocess.run(
        [sys.executable, "-W", "ignore", str(script)],
        env=_environment(), capture_output=True, text=True, timeout=240, check=True,
    )  # fmt: skip
    return json.loads(done.stdout)


def test_what_datasets_does():
    pytest.importorskip("datasets")
    what = found("datasets")
    assert what["own form: largest error"] == 0
    assert what["own form: NaN kept"]
    assert what["one bit changed on disk"] == "no error"
    assert what["pairs of near-twins that a split divides, of 20"] > 0


def test_what_we_do():
    what = found("ours")
    assert what["own form: largest error"] == 0
    assert what["pairs of near-twins that a split divides"] == "0 of 20, over 5 splits"
    assert int(what["one bit changed on disk"].split()[0]) >= 1
