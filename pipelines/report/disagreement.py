"""How far annotators lie apart on each image: from a store's ledger, or from a release's array `spread`."""

import contextlib
from collections.abc import Iterator, Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from iea40k.scene import NO_UNCERTAINTY, UNCERTAINTY_SCALE
from iea40k.store.kinds import LEDGER_FILE
from iea40k.store.layout import Store
from iea40k.store.ledger import Ledger
from iea40k.store.ledger.labels import known_scenes, ledger_labels
from iea40k.store.release.labels import LabelsOf
from iea40k.store.scenes import StoredScene


class Work(NamedTuple):
    """Of each level of a scene: the mean disagreement (luma, NaN where no two drew), the share of pixels corrected."""

    disagreement: tuple[float, ...]
    touched: tuple[float, ...]


class Annotated:
    """What people did to a store's scenes, by its ledger. Strokes on a base that was rebuilt since do not count."""

    def __init__(self, known: set[str], labels_of: LabelsOf | None) -> None:
        self._known, self._labels_of = known, labels_of

    def work(self, scene: StoredScene) -> Work:
        """Return what was done to a scene."""
        levels = len(scene.levels)
        if self._labels_of is None or scene.scene_id not in self._known:
            return Work((float("nan"),) * levels, (0.0,) * levels)
        labels = self._labels_of(scene)
        apart = [None] * levels if labels.disagreement is None else list(labels.disagreement)
        touched = [0.0] * levels if labels.touched is None else [float(t.mean()) for t in labels.touched]
        return Work(tuple(mean_disagreement(codes) for codes in apart), tuple(touched))


@contextlib.contextmanager
def annotated(store: Store, ledger_place: str | None = None) -> Iterator[Annotated]:
    """Yield what people did to the scenes of a store, as its ledger says; nothing where there is none.

    `ledger_place` is a PostgreSQL URL, or the folder of a SQLite ledger; None: the file in the store. Raises
    `LedgerError` where it cannot be opened, or for a login that does not see everybody's work.
    """
    if ledger_place is None and not (store.path / LEDGER_FILE).is_file():
        yield Annotated(set(), None)
        return
    with Ledger.open(ledger_place or store.path) as ledger:
        ledger.check_sees_all()
        yield Annotated(known_scenes(ledger), ledger_labels(ledger, ledger.cursor(), leave_out_stale=True))


def mean_disagreement(codes: NDArray[np.uint16] | None) -> float:
    """Return the mean of a map of disagreement (code / 32640, 65535 = unknown) over what is known, else NaN."""
    known = np.empty(0, np.uint16) if codes is None else codes[codes != NO_UNCERTAINTY]
    return float(known.mean()) / UNCERTAINTY_SCALE if known.size else float("nan")


def of_maps(maps: Mapping[str, NDArray[np.float32] | None]) -> tuple[float, ...]:
    """Return the mean of each image's map of disagreement (luma, NaN = unknown), NaN where there is none."""
    return tuple(
        float("nan") if found is None or not np.isfinite(found).any() else float(np.nanmean(found))
        for found in maps.values()
    )
