from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from iea40k.colour import encode_srgb
from iea40k.develop import ReadOptions
from iea40k.errors import AlignmentError, BadInputError, UnreadableImageError
from iea40k.residuals import luma, residual_codes
from iea40k.scene import Scene, SourceFile
from iea40k.tone import expose_with_contrast
from pipelines.simulated import SimulatedFrames, build_simulated
from tests.pipelines.fivek_tree import light_field, write_photo, write_retouch

EVS = (-2.0, -1.0, 0.0, 1.0, 2.0)


def scene(
    root: Path, exposure: str, references: dict[str, str], simulation: str = "ev", kind: str = "raw"
) -> Scene:
    return Scene(
        scene_id="a0001-x",
        kind=kind,
        exposures=(SourceFile(root / exposure, exposure),),
        references=tuple(SourceFile(root / path, path) for path in references.values()),
        experts=tuple(references),
        simulation=simulation,
    )


def fivek(root: Path, experts: str, **options: float) -> Scene:
    write_photo(root, "a0001-x", experts, **options)
    paths = {e: f"processed/tiff16_{e.lower()}/a0001-x.tif" for e in experts}
    return scene(root, "raw/Canon_EOS_5D/a0001-x.dng", paths)


def build(
    planned: Scene, method: str = "median-spread", seed: int = 0, short_side: int = 512
) -> SimulatedFrames:
    return build_simulated(planned, short_side=short_side, evs=EVS, reference_method=method, seed=seed)


def test_a_retouch_one_stop_brighter_is_met_by_the_exposure_one_stop_brighter(tmp_path: Path) -> None:
    frames = build(fivek(tmp_path, "C", stops=1.0))
    assert frames.exposures.shape == (5, 96, 144, 3)
    assert frames.evs == EVS
    mean = np.abs(residual_codes(frames.reference, frames.exposures) / 32640).mean(axis=(1, 2))
    assert np.argmin(mean) == 3
    assert mean[3] < 0.01
    assert mean[2] > 0.05
    assert frames.recipe["tone"]["stops"] == pytest.approx(1.0, abs=0.05)
    assert frames.recipe["tone"]["contrast"] == pytest.approx(1.0, abs=0.05)
    assert frames.recipe["retouches"]["C"]["depth"] == 16


def test_the_reference_is_the_retouch_untouched(tmp_path: Path) -> None:
    light = light_field()
    frames = build(fivek(tmp_path, "C", stops=0.5))
    expected = encode_srgb((light * np.float32(2**0.5)).astype(np.float32))
    difference = np.abs(frames.reference.astype(int) - expected)
    assert difference.max() <= 2  # the test's matrix to ProPhoto has five digits
    assert difference.mean() < 0.1


def test_five_experts_make_a_median_and_a_spread(tmp_path: Path) -> None:
    planned = fivek(tmp_path, "ABCDE", stops=0.5)
    frames = build(planned)
    alone = build(planned, "C")
    assert (
        np.abs(frames.reference.astype(int) - alone.reference).max() <= 1
    )  # C lies in the middle of the five
    assert frames.spread is not None
    assert 0.005 < frames.spread.mean() < 0.05
    assert frames.recipe["reference"]["experts"] == list("ABCDE")
    assert alone.spread is None
    assert list(alone.recipe["retouches"]) == ["C"]  # the others are not even read


def test_a_retouch_cut_differently_is_placed_and_both_are_cropped(tmp_path: Path) -> None:
    planned = fivek(tmp_path, "CD", stops=0.5)
    light = light_field() * np.float32(2**0.5)
    write_retouch(planned.references[0].path, light[2:, 1:])
    frames = build(planned, "C")
    assert frames.exposures.shape == (5, 94, 143, 3)
    assert frames.recipe["placing"]["crop"] == [1, 2, 143, 94]
    best = luma(frames.reference) - luma(build(planned, "D").reference[2:, 1:])
    assert np.abs(best)[4:-4, 4:-4].mean() < 0.01


def test_a_turned_retouch_is_turned_back(tmp_path: Path) -> None:
    planned = fivek(tmp_path, "C", stops=0.5)
    straight = build(planned)
    write_retouch(planned.references[0].path, np.rot90(light_field() * np.float32(2**0.5)))
    turned = build(planned)
    assert turned.recipe["placing"]["registration"]["C"]["turns"] == 3
    np.testing.assert_array_equal(turned.reference, straight.reference)


def test_somebody_elses_retouch_is_refused(tmp_path: Path) -> None:
    planned = fivek(tmp_path, "BC", stops=0.5)
    write_retouch(planned.references[1].path, light_field(seed=8))
    with pytest.raises(AlignmentError, match="C: "):
        build(planned, "C")
    frames = build(planned, "median-spread")
    assert frames.recipe["reference"]["experts"] == ["B"]
    assert [name for name, _ in frames.rejected] == ["retouch C"]
    assert frames.spread is None
    with pytest.raises(BadInputError, match="expert A"):
        build(planned, "A")


def test_without_a_retouch_the_ladder_is_fused(tmp_path: Path) -> None:
    frames = build(fivek(tmp_path, ""))
    assert "fusion" in frames.recipe["reference"]["method"]
    assert frames.recipe["tone"]["model"].startswith("none")
    means = [luma(picture).mean() for picture in frames.exposures]
    assert means == sorted(means)
    assert means[0] < luma(frames.reference).mean() < means[-1]


@pytest.fixture
def rendered(tmp_path: Path) -> Scene:
    Image.fromarray(encode_srgb(light_field())).save(tmp_path / "photo.png")
    return scene(tmp_path, "photo.png", {}, kind="rendered")


def test_a_rendered_picture_has_its_ladder_on_inverted_srgb(rendered: Scene) -> None:
    frames = build(rendered)
    np.testing.assert_array_equal(
        frames.exposures[2], encode_srgb(light_field())
    )  # EV 0 is the picture itself
    assert luma(frames.exposures[3]).mean() > luma(frames.exposures[2]).mean()


def test_messias_degrades_the_picture_itself(rendered: Scene) -> None:
    planned = Scene(rendered.scene_id, "rendered", rendered.exposures, simulation="messias")
    frames = build(planned, seed=4)
    np.testing.assert_array_equal(frames.reference, encode_srgb(light_field()))
    assert len(frames.exposures) == len(set(frames.evs)) == 5
    assert list(frames.evs) == sorted(frames.evs)
    assert frames.recipe["simulation"] == "messias"
    first = frames.recipe["draws"][0]
    curve = np.rint(
        255 * np.minimum(first["beta"] * (first["alpha"] * np.arange(256) / 255) ** first["gamma"], 1)
    )
    np.testing.assert_array_equal(frames.exposures[0], curve[frames.reference])
    again, other = build(planned, seed=4), build(planned, seed=5)
    np.testing.assert_array_equal(again.exposures, frames.exposures)
    assert not np.array_equal(other.exposures, frames.exposures)


def test_messias_degrades_the_retouch_where_there_is_one(tmp_path: Path) -> None:
    planned = fivek(tmp_path, "BC", stops=0.5)
    planned = Scene(
        planned.scene_id, "raw", planned.exposures, None, planned.references, planned.experts, "messias"
    )
    frames = build(planned)
    assert frames.spread is not None
    assert frames.recipe["reference"]["experts"] == ["B", "C"]


def test_a_truncated_dng_is_named(tmp_path: Path) -> None:
    planned = fivek(tmp_path, "C")
    dng = planned.exposures[0].path
    dng.write_bytes(dng.read_bytes()[:2000])
    with pytest.raises(UnreadableImageError, match=r"a0001-x\.dng"):
        build(planned)


def test_the_thumbnail_on_page_zero_is_not_the_picture(tmp_path: Path) -> None:
    import tifffile

    planned = fivek(tmp_path, "C", stops=0.5)
    straight = build(planned)
    file = planned.references[0].path
    with tifffile.TiffFile(file) as tiff:
        page = tiff.pages.first
        pixels, icc = page.asarray(), page.tags.valueof(34675)
    with tifffile.TiffWriter(file) as writer:
        small: NDArray[np.uint16] = cv2.resize(pixels, (24, 16))
        writer.write(small, photometric="rgb", iccprofile=icc, subfiletype=1)
        writer.write(pixels, photometric="rgb", iccprofile=icc)
    np.testing.assert_array_equal(build(planned).reference, straight.reference)


def test_a_retouch_without_a_profile_needs_a_choice(tmp_path: Path) -> None:
    import tifffile

    planned = fivek(tmp_path, "C", stops=0.5)
    straight = build(planned)
    file = planned.references[0].path
    with tifffile.TiffFile(file) as tiff:
        pixels = tiff.pages.first.asarray()
    tifffile.imwrite(file, pixels, photometric="rgb")
    with pytest.raises(UnreadableImageError, match=r"profile|colour space"):
        build(planned)
    frames = build_simulated(
        planned,
        short_side=512,
        evs=EVS,
        reference_method="C",
        seed=0,
        options=ReadOptions(assume_profile="prophoto"),
    )
    assert np.abs(frames.reference.astype(int) - straight.reference).max() <= 1


def test_frames_are_scaled_to_the_short_side(tmp_path: Path) -> None:
    frames = build(fivek(tmp_path, "C", stops=0.5), short_side=64)
    assert frames.exposures.shape == (5, 64, 96, 3)


@pytest.mark.parametrize(
    ("kind", "tone", "matched"),
    [("raw", None, True), ("raw", "none", False), ("rendered", None, False), ("rendered", "match", True)],
)
def test_the_tone_match_can_be_switched_off_and_finished_pictures_get_none_unasked(
    tmp_path: Path, kind, tone, matched
) -> None:
    """The retouch has a third more contrast than the source. What was shot stays beside what was matched."""
    light = light_field()
    Image.fromarray(encode_srgb(light)).save(tmp_path / "shot.png")
    Image.fromarray(expose_with_contrast(light, [0.0], 1.33)[0]).save(tmp_path / "retouch.png")
    planned = scene(tmp_path, "shot.png", {"C": "retouch.png"}, kind=kind)
    frames = build_simulated(
        planned, short_side=512, evs=EVS, reference_method="median-spread", seed=0, tone=tone
    )
    assert frames.recipe["tone"]["contrast"] == pytest.approx(1.33, abs=0.06)
    assert frames.recipe["tone"]["matched"] is matched
    middle = frames.exposures[EVS.index(0.0)]
    if matched:
        assert frames.as_shot is not None
        assert np.abs(frames.as_shot.astype(int) - encode_srgb(light)).max() <= 1
        assert frames.tone_change == pytest.approx(
            np.abs(luma(middle) - luma(frames.as_shot)).mean(), abs=1e-4
        )
        assert frames.tone_change > 0.005
    else:
        assert frames.as_shot is None
        assert frames.tone_change == 0
        assert np.abs(middle.astype(int) - encode_srgb(light)).max() <= 1
