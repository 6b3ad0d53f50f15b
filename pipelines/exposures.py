"""The table of a store's exposures: one row each, for choosing by any column."""

import numpy as np
import pandas as pd

from iea40k.errors import BadInputError
from iea40k.store.layout import Store
from iea40k.store.ledger.entries import REFERENCE
from pipelines.reference_judging import QUALITY
from pipelines.store_now import StoreNow


def exposure_table(store: Store, now: StoreNow | None = None) -> pd.DataFrame:
    """Return one row an exposure: what says which it is, its `review_priority`, and the scene's manifest columns.

    With what the store is `now`, scenes that no manifest lists any more are left out, and the columns are those of
    today's manifest; without it, every scene of the store as it was built.
    """
    rows: list[dict[str, object]] = []
    withdrawn = frozenset() if now is None else frozenset(now.withdrawn)
    for scene_id in store.scene_ids():
        if scene_id in withdrawn:
            continue
        scene = store.open_scene(scene_id)
        attributes = scene.attributes if now is None else now.attributes(scene)
        kept = {k: v for k, v in attributes.items() if isinstance(v, str | int | float)}
        for level, ev, review_priority in zip(scene.levels, scene.evs, scene.review_priority, strict=True):
            rows.append(
                {
                    **kept,
                    "scene_id": scene_id,
                    "level": level,
                    "ev": ev,
                    "review_priority": review_priority,
                    "height": scene.shape[0],
                    "width": scene.shape[1],
                }
            )
    columns = ["scene_id", "level", "ev", "review_priority", "height", "width"]
    table = pd.DataFrame(rows, columns=None if rows else columns)
    return table[[*columns, *sorted(c for c in table.columns if c not in columns)]]


def of_references(chosen: pd.DataFrame) -> pd.DataFrame:
    """Return one row a scene of chosen exposures, for its reference: the worse it was judged, the sooner its turn."""
    rows = chosen.drop_duplicates("scene_id").assign(level=REFERENCE)
    if QUALITY in rows.columns:
        rows["review_priority"] = (1 - rows[QUALITY]).fillna(rows["review_priority"])
    return rows


def in_turn(chosen: pd.DataFrame, column: str) -> pd.Series:
    """Return a priority for each row: `column`, divided by its place among the rows of its scene, the highest first.

    The second look at a scene says less than the first look at another: without this a queue begins with every level of
    the one scene that is hardest.
    """
    place = chosen.groupby("scene_id")[column].rank(method="first", ascending=False)
    return chosen[column] / place


def choose(
    table: pd.DataFrame, query: str | None, *, sample: int | None = None, seed: int = 0
) -> pd.DataFrame:
    """Return the rows that a query over any column holds for, and of those a random `sample`.

    The query is pandas': `review_priority > 0.3 and scene_class == "street"`, `level in ["N4", "P4"]`. Raises
    `BadInputError` for one that cannot be evaluated.
    """
    if query:
        try:
            held = np.broadcast_to(np.asarray(table.eval(query, engine="python")), len(table))
            if held.dtype != np.bool_:
                raise TypeError(f"gives {held.dtype}, not true or false")
            table = table[held]
        except Exception as error:  # pandas raises whatever the expression's parts raise
            raise BadInputError(
                "the query cannot be evaluated",
                expected="a condition such as: review_priority > 0.3 and level in ['N4', 'P4']; columns: "
                + ", ".join(table.columns),
                got=f"{query} ({type(error).__name__}: {error})",
            ) from error
    if sample is not None and sample < len(table):
        table = table.sample(sample, random_state=seed)
    return table
