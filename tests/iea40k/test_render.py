import numpy as np
import pytest
from skimage.color import deltaE_ciede2000, rgb2lab

from iea40k.arrays import INVALID_CODE, RESIDUAL_SCALE
from iea40k.contact_sheet import contact_sheet
from iea40k.errors import ArrayError, BadInputError
from iea40k.render import PALETTES, heatmap, legend, palette_table
from iea40k.residuals import residual_codes
from iea40k.scene import BuiltScene, level_name

# Simulation of full deuteranopia, protanopia and tritanopia in linear RGB (Machado, Oliveira, Fernandes, 2009).
DEFICIENCIES = {
    "deuteranopia": [
        [0.367322, 0.860646, -0.227968],
        [0.280085, 0.672501, 0.047413],
        [-0.01182, 0.04294, 0.968881],
    ],
    "protanopia": [
        [0.152286, 1.052583, -0.204868],
        [0.114503, 0.786281, 0.099216],
        [-0.003882, -0.048116, 1.051998],
    ],
    "tritanopia": [
        [1.255528, -0.076749, -0.178779],
        [-0.078411, 0.930809, 0.147602],
        [0.004733, 0.691367, 0.3039],
    ],
}


def seen_with(name: str, colours: np.ndarray) -> np.ndarray:
    linear = (colours / 255.0) ** 2.2
    return (np.clip(linear @ np.array(DEFICIENCIES[name]).T, 0, 1) ** (1 / 2.2) * 255).astype(np.uint8)


@pytest.mark.parametrize("palette", PALETTES)
def test_zero_is_white_and_only_zero(palette):
    table = palette_table(palette)
    assert (table[255] == 255).all()
    assert not (np.delete(table, 255, axis=0) == 255).all(axis=1).any()


def test_under_is_blue_over_is_red():
    over, under = palette_table()[0].astype(int), palette_table()[510].astype(int)
    assert under[2] > under[0] + 80
    assert over[0] > over[2] + 80


@pytest.mark.parametrize("deficiency", DEFICIENCIES)
def test_the_safe_palette_keeps_under_and_over_apart(deficiency):
    table = seen_with(deficiency, palette_table("colour-blind-safe"))
    for steps in (64, 128, 255):
        under, over = (rgb2lab(table[None, None, 255 + s] / 255.0) for s in (steps, -steps))
        assert deltaE_ciede2000(under, over).item() > 20, steps


def test_the_scale_is_fixed_not_stretched():
    faint = heatmap(np.full((4, 4), 0.1, np.float32))
    strong = heatmap(np.full((4, 4), 0.8, np.float32))
    assert (faint.astype(int).sum(axis=2) > strong.astype(int).sum(axis=2)).all()
    everywhere_dark = heatmap(np.linspace(0.13, 0.6, 16, dtype=np.float32).reshape(4, 4)).astype(int)
    assert (everywhere_dark[..., 2] > everywhere_dark[..., 0]).all()  # no red at all


def test_codes_and_floats_give_the_same_picture_and_holes_are_grey():
    codes = np.array([[0, RESIDUAL_SCALE, -RESIDUAL_SCALE, INVALID_CODE]], np.int16)
    floats = np.array([[0, 1, -1, np.nan]], np.float32)
    np.testing.assert_array_equal(heatmap(codes), heatmap(floats))
    hole = heatmap(codes)[0, 3]
    assert hole[0] == hole[1] == hole[2] < 200


def test_values_beyond_the_scale_and_unknown_palettes_are_refused():
    with pytest.raises(ArrayError):
        heatmap(np.array([[1.5]], np.float32))
    with pytest.raises(BadInputError, match="palette"):
        palette_table("jet")  # type: ignore[arg-type]


def test_the_legend_runs_from_over_to_under():
    bar = legend(511, 3)
    np.testing.assert_array_equal(bar[1], palette_table())


def test_a_contact_sheet_shows_every_exposure_and_map():
    reference = np.full((60, 90, 3), 128, np.uint8)
    exposures = np.stack([np.full((60, 90, 3), v, np.uint8) for v in (40, 220)])
    codes = residual_codes(reference, exposures)
    evs = (-2.0, 1.5)
    scene = BuiltScene(
        "a scene (1)", exposures, reference, codes, np.zeros(codes.shape, np.uint8), evs,
        tuple(level_name(ev) for ev in evs), (0.0, 0.0), {}, {},
    )  # fmt: skip
    sheet = contact_sheet([scene, scene], thumb=90, palettes=PALETTES)
    colours = {tuple(c) for c in sheet.reshape(-1, 3)}
    expected = {tuple(heatmap(codes[k], p)[0, 0]) for k in (0, 1) for p in PALETTES} | {
        (128,) * 3,
        (40,) * 3,
        (220,) * 3,
    }
    assert expected <= colours
