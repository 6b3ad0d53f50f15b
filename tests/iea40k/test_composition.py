"""What a dataset is made of."""

import numpy as np

from iea40k.composition import compose, words
from iea40k.composition_picture import MOST, composition_picture

SCENES = [
    ({"kind": "raw", "device": "Canon", "licence": "CC0-1.0"}, 9),
    ({"kind": "rendered", "light": "sun"}, 9),
    ({"kind": "bracket", "device": "Nikon"}, 6),
    ({"kind": "rendered", "generator": "a-network 2"}, 9),
]


def test_generated_pictures_are_a_source_of_their_own() -> None:
    found = compose(SCENES)
    assert {k: (v.scenes, v.images) for k, v in found.counts["origin"].items()} == {
        "simulated": (2, 18),
        "generated": (1, 9),
        "captured": (1, 6),
    }
    assert found.shares == {"simulated": 0.75, "captured": 0.25}, "of what was simulated or captured"
    assert list(found.counts["generator"]) == ["a-network 2"]
    assert found.counts["device"]["not stated"].images == 18
    assert found.images == 33
    assert words(found) == "simulated 75% of the images (target 80%), captured 25% of the images (target 20%)"


def test_nothing_has_no_shares() -> None:
    assert compose([]).shares == {}
    assert "no image" in words(compose([({"generator": "x"}, 3)]))
    assert composition_picture(compose([])).shape[2] == 3


def test_the_picture_shows_every_value_and_counts_the_rest_together() -> None:
    devices = [({"kind": "raw", "device": f"camera {n}"}, 1) for n in range(MOST + 5)]
    few, many = composition_picture(compose(devices[:3])), composition_picture(compose(devices))
    assert len(many) - len(few) == 20 * (MOST - 3)
    more = composition_picture(compose([*SCENES, *devices]))
    assert not np.array_equal(more[: len(many)], many)
