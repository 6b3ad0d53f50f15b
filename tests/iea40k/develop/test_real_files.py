"""Real photographs, each with its trap."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from iea40k.develop import ReadOptions, expose, load_linear
from iea40k.errors import UnreadableImageError

pytestmark = pytest.mark.real_data


def test_gopro_dngs_are_mirrored_as_flagged(real_data: Path) -> None:
    import rawpy

    path = real_data / "raw/gopro_hero6/GOPR0024.dng"
    linear = load_linear(path)
    assert linear.recipe["orientation"] == 2
    assert linear.pixels.shape == (512, 683, 3)
    with rawpy.imread(str(path)) as raw:
        green = raw.raw_image_visible[0::2, 1::2].astype(np.float32)
    stored = cv2.resize(green, (683, 512), interpolation=cv2.INTER_AREA)
    ours = linear.pixels[..., 1]
    as_seen = np.corrcoef(stored[:, ::-1].ravel(), ours.ravel())[0, 1]
    as_stored = np.corrcoef(stored.ravel(), ours.ravel())[0, 1]
    assert as_seen > 0.9 > as_stored


def test_a_balance_of_minus_one_is_replaced_by_name(real_data: Path) -> None:
    linear = load_linear(real_data / "raw/canon_eos_d30/CRW.CRW")
    assert linear.recipe["white_balance"]["from"].startswith("daylight, since the camera's is invalid (-1")
    # The maker's frame of 2160x1440, not the 2176x1448 that LibRaw shows.
    assert linear.pixels.shape == (512, 768, 3)
    assert linear.recipe["frame"]["from"] == "camera's crop"


def test_a_lossy_linear_dng_is_read_with_its_baseline_exposure(real_data: Path) -> None:
    linear = load_linear(real_data / "raw/canon_eos_6d_lossy/canon_eos_6d.dng")
    assert linear.pixels.shape == (512, 768, 3)
    assert linear.recipe["baseline_exposure"] == 0.25


@pytest.mark.parametrize("name", ["gopro_hero6/GOPR0024.GPR", "gopro_fusion/GPBK7066.GPR"])
def test_what_libraw_cannot_decode_names_the_way_out(real_data: Path, name: str) -> None:
    with pytest.raises(UnreadableImageError, match="convert it to DNG"):
        load_linear(real_data / "raw" / name)


def test_headerless_files_are_read_only_by_choice(real_data: Path) -> None:
    misread = real_data / "raw/nikon_768x512_headerless/DSC_1339_768x512_rggb.raw"
    kodak = real_data / "raw/kodak_c330/RAW_KODAK_C330_FORMAT_NONE_YRGB.raw"
    for path in (misread, kodak):
        with pytest.raises(UnreadableImageError, match="names no camera"):
            load_linear(path)
    linear = load_linear(kodak, options=ReadOptions(accept_headerless=True))
    assert linear.pixels.shape == (512, 683, 3)
    assert linear.recipe["camera"] == "guessed from the file's length"
    assert linear.recipe["white_balance"]["from"].startswith("daylight")


@pytest.mark.parametrize("name", ["gopro_hero6/GOPR0024.dng", "canon_eos_d30/CRW.CRW"])
@pytest.mark.parametrize("kept", [0.1, 0.5, 0.95, 0.999])
def test_truncated_raw_files_are_refused(real_data: Path, tmp_path: Path, name: str, kept: float) -> None:
    data = (real_data / "raw" / name).read_bytes()
    cut = tmp_path / Path(name).name
    cut.write_bytes(data[: int(len(data) * kept)])
    with pytest.raises(UnreadableImageError):
        load_linear(cut)


@pytest.mark.parametrize("name", ["gopro_hero6/GOPR0024.dng", "gopro_fusion/GPBK7066.dng"])
def test_blocks_come_within_45_db_of_full_demosaicing(real_data: Path, name: str) -> None:
    quick = load_linear(real_data / "raw" / name)
    full = load_linear(real_data / "raw" / name, options=ReadOptions(full_demosaic=True))
    evs = range(-4, 5)
    error = np.mean((expose(quick, evs).astype(np.float64) - expose(full, evs)) ** 2)
    assert 10 * np.log10(255**2 / error) >= 45
