"""Disputes in a store's queue: what is put there, and what an expert has settled already."""

from collections.abc import Sequence

from iea40k.disputes.finding import Dispute
from iea40k.errors import BadInputError
from iea40k.store.layout import Store
from iea40k.store.ledger import Ledger, TaskRequest, add_tasks
from iea40k.store.ledger.settled import PIXELS, pixels_digest, settled_disputes
from iea40k.store.release import Release
from pipelines.dispute_files import image_id, region_facts


def check_store(release: Release, store: Store) -> None:
    """Raise `BadInputError` for a store that lacks a scene of the release, or has another scene of its name."""
    missing = sorted(set(release.scenes["scene_id"]) - set(store.scene_ids()))
    if missing:
        raise BadInputError(
            "the store is not this release's",
            where=store.path,
            expected="every scene of the release",
            got=f"no {', '.join(missing[:5])}"
            + (f" and {len(missing) - 5} more" if len(missing) > 5 else ""),
        )
    for scene_id, rows in release.images.groupby("scene_id", sort=True):
        scene = store.open_scene(str(scene_id))
        shapes = {(int(h), int(w)) for h, w in zip(rows["height"], rows["width"], strict=True)}
        if shapes != {scene.shape} or not set(rows["level"]) <= set(scene.levels):
            raise BadInputError(
                "the store is not this release's: a scene has another size or other levels",
                where=str(scene_id),
                expected=f"{sorted(shapes)}, {', '.join(rows['level'])}",
                got=f"{scene.shape}, {', '.join(scene.levels)}",
                remedy="name the store that the release was cut from, or cut a new release of this one",
            )


def put_into_queue(
    release: Release, store: Store, place: str | None, disputes: Sequence[Dispute]
) -> tuple[int, tuple[str, ...]]:
    """Put disputes into the queue; return how many, and the images whose dispute an expert has settled already."""
    with Ledger.open(place or store.path, create=True) as ledger:
        ledger.check_sees_all()
        known = settled_disputes(ledger)
        requests, settled = [], []
        for dispute in disputes:
            image = release[image_id(dispute)]
            pixels = pixels_digest(image.exposure, image.reference)
            if pixels in known.get((dispute.scene_id, dispute.level), ()):
                settled.append(image_id(dispute))
                continue
            note = {
                "score": dispute.score,
                "kind": dispute.kind,
                "reason": dispute.reason,
                PIXELS: pixels,
                "regions": [region_facts(region) for region in dispute.regions],
            }
            priority = 1 + dispute.score
            requests.append(TaskRequest(dispute.scene_id, dispute.level, priority, "dispute", note=note))
        if requests:
            add_tasks(ledger, requests, actor="trainer")
    return len(requests), tuple(settled)
