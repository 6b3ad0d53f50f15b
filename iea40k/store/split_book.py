"""The book of splits: which split each scene of a store was published in, so that no later release moves it.

STORE/splits.json holds, for every seed and shares that a release was cut with, the split of every scene in every random
scheme. A scene that was withdrawn stays in the book: should it come back, it comes back to its place.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

from iea40k.errors import CorruptDataError
from iea40k.files import disk_errors, write_atomic
from iea40k.sealed import parse_sealed, sealed_json
from iea40k.store.layout import Store
from iea40k.store.locks import held

FILE = "splits.json"
LOCK = f".{FILE}.lock"
"""Held while splits are drawn; left where a writer was killed, and harmless."""

FORMAT = "iea40k-splits"

Schemes = Mapping[str, Mapping[str, str]]
"""The split of every scene, by scheme and scene."""

_T = TypeVar("_T")


def kept_splits(store: Store, seed: int, ratios: Sequence[int]) -> dict[str, dict[str, str]]:
    """Return the splits that the store's book keeps for a seed and shares, by scheme and scene; none at first."""
    return _read(store).get(_key(seed, ratios), {})


def draw_and_keep(
    store: Store, seed: int, ratios: Sequence[int], draw: Callable[[Schemes], tuple[Schemes, _T]]
) -> _T:
    """Call `draw` with the kept splits, keep what it returns first, and return what it returns second.

    No other process draws meanwhile. A book that would not change is not written, and none of a store that may not be
    changed (see `Store.changeable`): there the same draw comes out again as long as its scenes stay the same.
    """
    if not store.changeable:
        return draw(kept_splits(store, seed, ratios))[1]
    with disk_errors(store.path), held(store.path / LOCK, "drawing splits of this store"):
        book = _read(store)
        kept = book.setdefault(_key(seed, ratios), {})
        drawn, result = draw(kept)
        changed = False
        for scheme, splits in drawn.items():
            known = kept.setdefault(scheme, {})
            new = {scene: split for scene, split in splits.items() if split and scene not in known}
            known.update(new)
            changed |= bool(new)
        if changed:
            write_atomic(store.path / FILE, sealed_json(FORMAT, {"drawn": book}))
    return result


def _key(seed: int, ratios: Sequence[int]) -> str:
    return f"seed {seed}, {'/'.join(map(str, ratios))}"


def _read(store: Store) -> dict[str, dict[str, dict[str, str]]]:
    file = store.path / FILE
    try:
        book = parse_sealed(FORMAT, file.read_bytes())
        return {
            str(key): {
                str(scheme): {str(scene): str(split) for scene, split in splits.items()}
                for scheme, splits in schemes.items()
            }
            for key, schemes in book["drawn"].items()
        }
    except FileNotFoundError:
        return {}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise CorruptDataError(
            "the book of splits cannot be read",
            where=file,
            got=str(error),
            remedy="restore it from a copy; without it, scenes may move between the splits of later releases",
        ) from error
