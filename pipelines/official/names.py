"""Names of the published layout: images, references, tables, and the published split."""

import unicodedata

from iea40k.errors import BadInputError
from iea40k.scene import check_scene_id, ev_of_level, level_name
from pipelines.fivek_metadata import photo_number

IMAGES, LABELS, REFERENCES = "IEA_img", "exposure_condition", "global_best"
TABLES = {
    "train": ("train_256.csv", "train_256_2ev.csv"),
    "valid": ("valid_256_2ev.csv",),
    "test": ("test_256_2ev.csv",),
}
"""The tables of each split. The published data have no test split; a release of ours may."""

SPLIT = "split_official"
LAST_TRAIN = 4123
"""FiveK photos up to this number are the published train split, the later ones the valid split."""


def parse_image_id(image_id: str) -> tuple[str, str]:
    """Return scene and level of an image's name: "a4125-jmacdscf0006 (1)_N1.png" -> ("a4125-jmacdscf0006 (1)", "N1").

    Letters that are written as a letter and its accent (as macOS does) are composed.
    Raises `BadInputError` for any other form, paths included.
    """
    stem, dot, suffix = composed(image_id).rpartition(".")
    scene, underscore, level = stem.rpartition("_")
    if suffix != "png" or not dot or not underscore:
        raise BadInputError("not the name of an image", expected="SCENE_LEVEL.png", got=image_id[:200])
    if level_name(ev_of_level(level)) != level:
        raise BadInputError("not the name of a level", expected=level_name(ev_of_level(level)), got=level)
    return check_scene_id(scene), level


def composed(name: str) -> str:
    """Return a name with its accents composed (NFC), the form in which names are compared and kept."""
    return unicodedata.normalize("NFC", name)


def image_id(scene_id: str, level: str) -> str:
    """Return the file name of an exposure."""
    return f"{scene_id}_{level}.png"


def reference_id(scene_id: str) -> str:
    """Return the file name of a reference."""
    return f"{scene_id}.png"


def official_split(scene_id: str) -> str:
    """Return the published split that a FiveK scene is in, "" for any other scene."""
    number = photo_number(scene_id)
    if number is None:
        return ""
    return "train" if number <= LAST_TRAIN else "valid"


def table_has(table: str, ev: float) -> bool:
    """Return whether a table lists exposures at `ev` stops: those with "2ev" in their name only within +-2."""
    return "2ev" not in table or abs(ev) <= 2
