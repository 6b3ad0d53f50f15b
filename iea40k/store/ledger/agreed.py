"""How far the annotators of a release agree, for its card: by level, at a cursor, without anybody's name."""

from collections.abc import Collection, Mapping
from dataclasses import asdict
from typing import Any

from iea40k.agreement import Agreement, Tally
from iea40k.store.layout import Store
from iea40k.store.ledger.ledger import Ledger
from iea40k.store.ledger.shared import shared_images

EVERY = "all"
"""The first row: all levels together."""

_DIGITS = 4


def release_agreement(
    ledger: Ledger, store: Store, scene_ids: Collection[str], cursor: int | None = None
) -> Mapping[str, Any]:
    """Return what the card of a release of these scenes says of agreement, JSON-able; the same cursor, the same facts.

    - `images`, `people`: images that two or more people mapped, whose maps are accepted, and how many people those are
    - `rows`: over pixels that one of them at least painted, all levels first, then level by level, the darkest first:
      `level`, `images`, `pixels`, `icc`, `alpha`, `mae` in [0, 2], `sign_area` in [0, 1] (`iea40k.agreement.Agreement`;
      None where there is too little to say it)

    Raises `LedgerError` for a login that does not see everybody's maps.
    """
    ledger.check_sees_all()
    among = set(scene_ids)
    everything, levels = Tally(), dict[str, tuple[float, Tally]]()
    people: set[str] = set()
    for scene_id in ledger.shared_scenes():
        if scene_id not in among:
            continue
        scene = store.open_scene(scene_id)
        evs = dict(zip(scene.levels, scene.evs, strict=True))
        for image in shared_images(ledger, scene, cursor):
            if image.painted.any():
                people.update(image.maps)
                _, tally = levels.setdefault(image.level, (evs[image.level], Tally()))
                for each in (everything, tally):
                    each.add(image.codes, image.painted)
    ordered = sorted(levels.items(), key=lambda item: (item[1][0], item[0]))
    rows = [(EVERY, everything), *((level, tally) for level, (_, tally) in ordered)]
    return {
        "images": everything.images,
        "people": len(people),
        "rows": [{"level": level, **_rounded(tally.agreement())} for level, tally in rows if tally.images],
    }


def _rounded(found: Agreement) -> dict[str, Any]:
    return {
        name: round(value, _DIGITS) if isinstance(value, float) else value
        for name, value in asdict(found).items()
    }
