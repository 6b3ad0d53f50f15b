"""What cameras write, and what nobody should believe of it."""

import contextlib
import math
from datetime import datetime
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import ExifTags, Image
from PIL.TiffImagePlugin import IFDRational

from iea40k.capture import Capture, missing_settings, parse_time, read_capture, relative_evs
from iea40k.errors import BadInputError, UnreadableImageError

TAG = ExifTags.Base


def photograph(path: Path, **tags: object) -> Path:
    exif = Image.Exif()
    inner = exif.get_ifd(ExifTags.IFD.Exif)
    for name, value in tags.items():
        (exif if name in ("Make", "Model", "DateTime") else inner)[getattr(TAG, name)] = value
    if path.suffix == ".dng":  # a directory and no pixel: all that a capture needs of a RAW file
        path.write_bytes(exif.tobytes().removeprefix(b"Exif\0\0"))
    else:
        Image.new("RGB", (24, 16), "grey").save(path, exif=exif)
    return path


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("2", 2.0),
        ("1/4000", 1 / 4000),
        ("0.8", 0.8),
        (0.8, 0.8),
        ("0.8 s", 0.8),
        ("0,8", 0.8),
        (" 1/60 sec ", 1 / 60),
        ("2''", 2.0),
        ('30"', 30.0),
        ('0"8', 0.8),
        ("1/1.3", 1 / 1.3),
        ("2.5e-4", 2.5e-4),
        (".5", 0.5),
        (15, 15.0),
    ],
)
def test_times_as_people_and_cameras_write_them(text: str | float, seconds: float) -> None:
    assert parse_time(text) == pytest.approx(seconds, rel=1e-12)


@pytest.mark.parametrize(
    "text", ["", "0", "-1", "1/0", "0/1", "bulb", "1/", "nan", "inf", "1 / 2 / 3", "1e9", float("nan")]
)
def test_what_is_no_time_is_refused(text: str | float) -> None:
    with pytest.raises(BadInputError, match="not an exposure time"):
        parse_time(text)


@given(st.fractions(Fraction(1, 100_000), Fraction(100_000)))
def test_every_fraction_survives_the_way_through_text(time: Fraction) -> None:
    assert parse_time(f"{time.numerator}/{time.denominator}") == pytest.approx(float(time), rel=1e-12)


@given(st.floats(1e-5, 1e5))
def test_every_decimal_survives_the_way_through_text(time: float) -> None:
    assert parse_time(repr(time)) == time
    assert parse_time(f"{time!r} s") == time


@given(st.text(max_size=12))
def test_any_text_is_a_time_or_a_typed_error(text: str) -> None:
    with contextlib.suppress(BadInputError):
        assert 0 < parse_time(text) < 1e6


@pytest.mark.parametrize("suffix", [".jpg", ".dng", ".png", ".webp"])
def test_a_capture_is_read_from_each_kind_of_file(tmp_path: Path, suffix: str) -> None:
    path = photograph(
        tmp_path / f"a{suffix}",
        Make="Maker\0",
        Model="Model 1 ",
        ExposureTime=IFDRational(1, 250),
        FNumber=IFDRational(56, 10),
        ISOSpeedRatings=400,
        ExposureBiasValue=IFDRational(-2, 3),
        FocalLength=IFDRational(35, 1),
        DateTimeOriginal="2024:05:06 07:08:09",
        SubsecTimeOriginal="25",
        ExposureMode=2,
    )
    capture = read_capture(path)
    assert capture.exposure_time == pytest.approx(1 / 250)
    assert capture.f_number == pytest.approx(5.6)
    assert capture.iso == 400
    assert capture.exposure_bias == pytest.approx(-2 / 3)
    assert capture.focal_length == 35
    assert capture.taken_at == datetime(2024, 5, 6, 7, 8, 9, 250_000)
    assert (capture.make, capture.model, capture.mode) == ("Maker", "Model 1", "bracket")
    assert capture.ev == pytest.approx(math.log2(1 / 250 / 5.6**2 * 4))


def test_a_picture_without_metadata_says_nothing(tmp_path: Path) -> None:
    capture = read_capture(photograph(tmp_path / "a.jpg"))
    assert capture.ev is None
    assert capture.taken_at is None
    assert capture.size == (24, 16)


def test_nonsense_is_none_and_never_zero(tmp_path: Path) -> None:
    path = photograph(
        tmp_path / "a.jpg",
        ExposureTime=IFDRational(0, 1),
        FNumber=IFDRational(1, 0),
        ISOSpeedRatings=0,
        ExposureBiasValue=IFDRational(1, 0),
        DateTimeOriginal="0000:00:00 00:00:00",
    )
    capture = read_capture(path)
    assert (capture.exposure_time, capture.f_number, capture.iso) == (None, None, None)
    assert (capture.exposure_bias, capture.taken_at) == (None, None)


def test_apex_values_and_wide_iso_stand_in(tmp_path: Path) -> None:
    path = photograph(
        tmp_path / "a.jpg",
        ShutterSpeedValue=IFDRational(5, 1),
        ApertureValue=IFDRational(4, 1),
        ISOSpeedRatings=65535,
        RecommendedExposureIndex=102400,
    )
    capture = read_capture(path)
    assert capture.exposure_time == pytest.approx(1 / 32)
    assert capture.f_number == pytest.approx(4.0)
    assert capture.iso == 102400


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"", "empty"),
        (b"\xff\xd8\xff\xe1", "cannot be read"),
        (b"II*\0\xff\xff\xff\x7f", "cannot be read"),
        (b"GIF89a nothing more", "not a photograph"),
        (b"just a text\n", "not a photograph"),
    ],
)
def test_what_is_no_photograph_is_a_typed_error(tmp_path: Path, content: bytes, what: str) -> None:
    path = tmp_path / "a.jpg"
    path.write_bytes(content)
    with pytest.raises(UnreadableImageError, match=what):
        read_capture(path)


def test_a_missing_file_is_a_typed_error(tmp_path: Path) -> None:
    with pytest.raises(UnreadableImageError, match="cannot be opened"):
        read_capture(tmp_path / "none.jpg")


def test_relative_evs_add_time_aperture_and_iso() -> None:
    captures = [
        Capture(Path("a"), 1 / 60, 4.0, 100),
        Capture(Path("b"), 1 / 15, 4.0, 100),
        Capture(Path("c"), 1 / 60, 8.0, 100),
        Capture(Path("d"), 1 / 60, 4.0, 800),
    ]
    assert relative_evs(captures) == pytest.approx((0, 2, -2, 3))


def test_a_setting_that_nobody_states_is_constant_and_one_that_some_state_is_not() -> None:
    same = [Capture(Path("a"), 1.0, None, None), Capture(Path("b"), 4.0, None, None)]
    assert relative_evs(same) == (0, 2)
    assert missing_settings(same) == ("f_number", "iso")
    assert relative_evs([Capture(Path("a"), 1.0, 2.8), Capture(Path("b"), 4.0, None)]) is None
    assert relative_evs([Capture(Path("a")), Capture(Path("b"))]) is None


@given(st.lists(st.floats(1e-4, 30), min_size=2, max_size=6))
def test_relative_evs_start_at_zero_and_do_not_depend_on_the_first(times: list[float]) -> None:
    captures = [Capture(Path(str(i)), t) for i, t in enumerate(times)]
    evs = relative_evs(captures)
    assert evs is not None
    assert evs[0] == 0
    turned = relative_evs(captures[::-1])
    assert turned is not None
    assert [a - evs[-1] for a in evs] == pytest.approx(list(turned[::-1]), abs=1e-9)


@pytest.mark.real_data
def test_real_files(real_data: Path) -> None:
    dng = read_capture(real_data / "raw/canon_eos_6d_lossy/canon_eos_6d.dng")
    assert (dng.iso, dng.f_number, dng.exposure_time) == (1000, 5.6, pytest.approx(1 / 60))
    gpr = read_capture(
        real_data / "raw/gopro_hero6/GOPR0024.GPR"
    )  # LibRaw cannot decode it; its directory is readable
    assert gpr.exposure_time == pytest.approx(1 / 455, rel=0.01)
    crw = read_capture(real_data / "raw/canon_eos_d30/CRW.CRW")  # no EXIF at all: LibRaw reads its heap
    assert (crw.iso, crw.focal_length) == (100, 31)
    assert crw.f_number == pytest.approx(5.6, rel=0.01)
    headerless = read_capture(real_data / "raw/nikon_768x512_headerless/DSC_1339_768x512_rggb.raw")
    assert headerless.ev is None
