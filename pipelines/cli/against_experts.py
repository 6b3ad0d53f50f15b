"""`iea40k evaluate --against-experts`: the network beside the people, by level and zone."""

from collections.abc import Collection
from pathlib import Path
from typing import Any

from iea40k.arrays import EncodedRGB, Residual
from iea40k.errors import BadInputError
from iea40k.store.release import Release
from pipelines.cli.progress import Progress
from pipelines.cli.queue import show_table
from pipelines.cli.terminal import messages


def beside_experts(
    predict: Any, release: Release, store: Path | None, ledger: str | None, image_ids: Collection[str]
) -> dict[str, Any]:
    """Return the comparison as JSON. Raises `BadInputError` without a store, or without an image of two experts."""
    from iea40k.store.layout import Store
    from iea40k.store.ledger import Ledger
    from pipelines.against_experts import compare
    from pipelines.dispute_queue import check_store

    if store is None:
        raise BadInputError("the experts' maps are in the release's store", remedy="add --store STORE")
    opened = Store.open(store)
    check_store(release, opened)

    def predicted(image: EncodedRGB) -> Residual:
        found: Residual = predict(image)
        return found

    with Ledger.open(ledger or store) as found, Progress("comparing with the experts", "scenes") as bar:
        compared = compare(predicted, release, opened, found, image_ids, progress=bar.update)
    if not compared.rows:
        raise BadInputError(
            "no image of this part of the release was mapped by two experts: there is no range to be inside of",
            where=store,
            remedy="ask two people to map some of these images: iea40k queue STORE add --experts 2, "
            "or name another --part",
        )
    if compared.stale:
        messages.print(
            f"{compared.stale} maps were left out: drawn on a base that was rebuilt", style="yellow"
        )
    return {
        "images": compared.images,
        "people": list(compared.people),
        "stale": compared.stale,
        "rows": [row.facts() for row in compared.rows],
    }


def show(found: dict[str, Any]) -> None:
    """Print the comparison."""
    messages.print(
        f"against the median of the others, where one painted: {found['images']} images, {len(found['people'])} people",
        markup=False,
    )
    rows = [{**row, "inside": "yes" if row["inside"] else "no"} for row in found["rows"]]
    show_table(
        rows, ("group", "value", "pixels", "network", "least", "mean", "most", "inside", "better_than")
    )
