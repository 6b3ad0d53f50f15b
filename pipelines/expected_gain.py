"""Which image to look at next: what a person's look is expected to gain, from a validation and a store's facts.

expected gain = predicted label error x (model deviation x what the annotators disagree on) ^ 1/4 x rarity ^ 1/2

- predicted label error: the chance that the label is wrong times how far it lies from what is expected, in luma. The
  detector that gives a dispute its score weighs right and wrong labels alike; the chance takes the share of wrong
  labels in this release into account, which is estimated from its scores (Saerens, Latinne and Decaestecker, 2002);
- model deviation: how unsure the model is of its expectation, in units of the median image's; 1 where it says nothing;
- disagreement: 1 where nobody or one person mapped it, and 1 more for each 0.05 of luma that the experts lie apart;
- rarity: how much rarer than usual the image's light, class, device and exposure are, on average of the roots.

The roots keep what is unsure, disagreed on or rare, and right, from standing before what is wrong.
"""

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from iea40k.errors import BadInputError, CorruptDataError, NotThereError
from iea40k.parquet import read_parquet
from pipelines.dispute_files import TABLE

GAIN = "expected_gain"

RARE_BY = ("light", "scene_class", "device", "level")
"""Facts of an image that make it rare."""

_LEAST = 0.002  # luma: an image that nothing speaks against is looked at last, but by rarity
_APART = 0.05
_FEWEST, _ROUNDS = 0.005, 100
_NEEDED = ("image_id", "score", "label_error", "deviation", "experts_apart")


def with_gain(exposures: pd.DataFrame, validation: Path) -> pd.DataFrame:
    """Return a store's exposures with their `expected_gain` in [0, 1], by the validation in a folder.

    An exposure of which the validation says nothing has the median gain. Raises `NotThereError` where there is no
    validation, `CorruptDataError` for a damaged one, `BadInputError` for one of another store or an earlier version.
    """
    file = validation / TABLE
    if not file.exists():
        raise NotThereError(
            "there is no validation here", where=validation, remedy="iea40k validate RELEASE --out DIR"
        )
    try:
        found = read_parquet(file).to_pandas()
    except (pa.ArrowException, OSError, ValueError) as error:
        raise CorruptDataError(
            "the validation's table cannot be read", where=file, got=str(error), remedy="validate anew"
        ) from error
    missing = [name for name in _NEEDED if name not in found.columns]
    if missing:
        raise BadInputError(
            "the validation lacks columns", where=file, got=", ".join(missing), remedy="validate anew"
        )
    ids = exposures["scene_id"] + "_" + exposures["level"]
    if len(exposures) and not ids.isin(found["image_id"]).any():
        raise BadInputError("the validation is not of this store", where=file, expected=ids.iloc[0])
    return exposures.assign(**{GAIN: gains(exposures, found)})


def gains(exposures: pd.DataFrame, disputes: pd.DataFrame) -> NDArray[np.float64]:
    """Return the expected gain of each exposure in [0, 1], by the table of a validation.

    `exposures` has `scene_id`, `level` and what it knows of `RARE_BY`. What `disputes` does not know has the median.
    """
    of = disputes.set_index("image_id").reindex(exposures["scene_id"] + "_" + exposures["level"])
    wrong = chances(of["score"].fillna(0).to_numpy())
    error = wrong * (of["label_error"].fillna(0).to_numpy() + _LEAST)
    unsure = (of["deviation"] / of["deviation"].median()).fillna(1.0)
    apart = 1 + of["experts_apart"].fillna(0) / _APART
    gain = error * (unsure * apart).to_numpy() ** 0.25 * rarity(exposures).to_numpy() ** 0.5
    gain[of["score"].isna().to_numpy()] = np.nanmedian(gain[of["score"].notna().to_numpy()])
    found: NDArray[np.float64] = gain / max(gain.max(), 1e-12)
    return found


def chances(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the chance that each label is wrong (N,), by scores in [0, 1] that take right and wrong as equally likely.

    The share of wrong labels is what, taken as given, comes out as the mean chance; at least `_FEWEST`, at most a half.
    """
    odds = np.clip(scores, 1e-4, 1 - 1e-4)
    odds = odds / (1 - odds)
    share, found = 0.1, np.zeros(len(scores))
    for _ in range(_ROUNDS):
        prior = odds * share / (1 - share)
        found = prior / (1 + prior)
        share = float(np.clip(found.mean(), _FEWEST, 0.5)) if len(found) else share
    return found


def rarity(exposures: pd.DataFrame) -> pd.Series:
    """Return how rare each exposure is: 1 as usual, more where its facts are rarer than if all were as frequent.

    Facts that the store does not have, or an image lacks, do not count.
    """
    parts = []
    for name in RARE_BY:
        if name not in exposures.columns:
            continue
        values = exposures[name].replace("", np.nan)
        counts = values.map(values.value_counts())
        kinds = values.nunique()
        parts.append((values.notna().sum() / (max(kinds, 1) * counts.astype(float))) ** 0.5)
    if not parts:
        return pd.Series(1.0, index=exposures.index)
    return pd.concat(parts, axis=1).mean(axis=1).fillna(1.0)
