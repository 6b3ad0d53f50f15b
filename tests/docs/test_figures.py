"""The figures of the explanations: made of arrays, zero at white, told apart by all eyes."""

import importlib
import json
import re
from pathlib import Path

import numpy as np
import pytest

from iea40k.colour import decode_srgb
from iea40k.render import PALETTES, palette_table

pytest.importorskip("matplotlib")
ROOT = Path(__file__).parents[2]
EXPLAINED = sorted((ROOT / "docs" / "explained").glob("*.md"))


@pytest.fixture(scope="module")
def figures():
    """The script, which finds its subjects beside itself."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(ROOT / "docs")
        yield importlib.import_module("make_figures")


@pytest.fixture
def subject(figures):
    """A function that gives a subject's module of docs/figures."""
    return lambda name: importlib.import_module(f"figures.{name}")


def lab(colours):
    """CIE L*a*b* of sRGB colours (N, 3), D65."""
    to_xyz = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
    xyz = decode_srgb(colours[None])[0] @ to_xyz.T / (0.9505, 1, 1.089)
    f = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    return np.stack([116 * f[:, 1] - 16, 500 * (f[:, 0] - f[:, 1]), 200 * (f[:, 1] - f[:, 2])], axis=1)


@pytest.mark.slow
def test_the_script_makes_every_figure_that_the_pages_show_and_no_other(figures, tmp_path):
    figures.main(tmp_path)
    shown = {
        name for page in EXPLAINED for name in re.findall(r"images/explained/([^)\s]+)", page.read_text())
    }
    assert {file.name for file in tmp_path.iterdir()} == shown
    assert {file.name for file in (ROOT / "docs/images/explained").iterdir()} == shown
    assert all(file.stat().st_size > 20_000 for file in tmp_path.iterdir())


@pytest.mark.parametrize("palette", PALETTES)
def test_only_zero_is_white_and_lightness_falls_to_both_sides(palette):
    table = palette_table(palette)
    assert np.flatnonzero((table == 255).all(axis=1)).tolist() == [255]
    lightness = lab(table)[:, 0]
    assert (np.diff(lightness[:256]) > -0.05).all()
    assert (np.diff(lightness[255:]) < 0.05).all()


@pytest.mark.parametrize("palette", PALETTES)
def test_for_every_eye_the_signs_are_told_apart(subject, palette):
    colours = subject("colours")
    table = palette_table(palette)
    for eye in colours.EYES:
        seen = lab(colours.as_seen(table, eye))
        for size in (32, 64, 128, 255):
            assert np.linalg.norm(seen[255 + size] - seen[255 - size]) > 10, (eye, size)


def test_the_signs_of_the_safe_palette_differ_in_a_grey_print_too():
    lightness = lab(palette_table("colour-blind-safe"))[:, 0]
    for size in (64, 128, 255):
        assert lightness[255 - size] - lightness[255 + size] > 5
    assert lightness[[0, 510]].round().tolist() == [51, 12]


def test_the_errors_that_the_budget_shows_are_those_of_the_table(subject):
    page = (ROOT / "docs/explained/error-budget.md").read_text()
    shown = {words: value for words, value, _ in subject("errors").known_errors()}
    rounded = [
        value for words, value in shown.items() if words.startswith(("rounding", "8 bits", "the frames"))
    ]
    assert [f"{value:.2g}" for value in rounded] == ["1.5e-05", "0.0011", "0.015"]
    assert all(
        text in page for text in ("0.000015", "0.0011", "0.015", "0.097", f"errs by {_ours():.3f} (ours)")
    )


def _ours() -> float:
    """Return what the shipped network errs by on FiveK, as the benchmark wrote it."""
    figures = json.loads((ROOT / "benchmarks/results/shipped.json").read_text(encoding="utf-8"))["figures"]
    return next(f["value"] for f in figures if f["name"] == "FiveK: curve_net" and f["unit"] == "MAE")
