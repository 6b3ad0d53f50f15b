"""The outbox: strokes that the ledger could not take, kept on this machine, one file each, until it takes them."""

import base64
import contextlib
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from iea40k.errors import CorruptDataError, IEAError
from iea40k.files import disk_errors, make_folders, write_atomic
from iea40k.recipe import digest
from iea40k.store.ledger.entries import CorrectionDraft, Lease, MapKey, ZoneDraft
from iea40k.store.ledger.ledger import Ledger
from iea40k.store.ledger.patch import PackedPatch
from iea40k.store.ledger.weights import PackedWeights
from iea40k.texts import parse_json

_FORMAT = "iea40k-outbox-1"
_WRITING_SECONDS = 3600.0

LeaseFor = Callable[[MapKey], Lease | None]


@dataclass(frozen=True)
class Waiting:
    """A stroke in the outbox and its file."""

    file: Path
    draft: CorrectionDraft | ZoneDraft


@dataclass(frozen=True)
class Delivery:
    """What a submission of the outbox did: how many strokes are recorded, and which still wait, each with why."""

    recorded: int
    waiting: tuple[tuple[Waiting, IEAError], ...]


class Outbox:
    """A folder of strokes on a local disk, in the order drawn. Use one folder for one ledger and one person."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._clear()

    def __len__(self) -> int:
        return len(self._files())

    def put(self, draft: CorrectionDraft | ZoneDraft) -> Path:
        """Keep a stroke: on the disk when this returns. Raises `StoreError` where the disk is full."""
        with disk_errors(self.folder):
            make_folders(self.folder)
        last = max((int(file.name.split("-")[0]) for file in self._files()), default=0)
        file = self.folder / f"{last + 1:010d}-{_tag(draft.map_key)}-{draft.stroke_id}.json"
        write_atomic(file, json.dumps(_to_json(draft), ensure_ascii=False) + "\n", overwrite=False)
        return file

    def waiting(self) -> list[Waiting]:
        """Return what waits, in the order drawn. Raises `CorruptDataError` for a file that cannot be read."""
        return [Waiting(file, _read(file)) for file in self._files()]

    def submit(self, ledger: Ledger, lease_for: LeaseFor) -> Delivery:
        """Send what waits, in order; `lease_for` gives the lease under which a map is painted now.

        Where one stroke of a map is refused, the later ones of that map wait too. Nothing leaves the folder before
        the ledger has it.
        """
        recorded = 0
        waiting: list[tuple[Waiting, IEAError]] = []
        blocked: dict[MapKey, IEAError] = {}
        for item in self.waiting():
            map_key = item.draft.map_key
            if map_key in blocked:
                waiting.append((item, blocked[map_key]))
                continue
            try:
                ledger.append(item.draft, lease_for(map_key))
            except IEAError as error:
                blocked[map_key] = error
                waiting.append((item, error))
            else:
                item.file.unlink()
                recorded += 1
        return Delivery(recorded, tuple(waiting))

    def discard(self, item: Waiting) -> None:
        """Throw one stroke away, when its author says so."""
        item.file.unlink()

    def _clear(self) -> None:
        """Remove what a kill left in the middle of writing: nobody was told of it; writing takes no hour."""
        long_ago = time.time() - _WRITING_SECONDS
        for left in self.folder.glob(".*.json") if self.folder.is_dir() else ():
            with contextlib.suppress(OSError):
                if left.is_file() and not left.is_symlink() and left.stat().st_mtime < long_ago:
                    left.unlink()

    def _files(self) -> list[Path]:
        return sorted(self.folder.glob("[0-9]*-*-*.json")) if self.folder.is_dir() else []


def _tag(map_key: MapKey) -> str:
    # In the file's name, so that a long outbox need not be read to know whose strokes wait.
    return digest(vars(map_key))[:12]


def _to_json(draft: CorrectionDraft | ZoneDraft) -> dict[str, Any]:
    record: dict[str, Any] = {
        "format": _FORMAT,
        "lane": vars(draft.map_key),
        "image_shape": list(draft.image_shape),
    }
    for name in ("base_digest", "kind", "undoes", "supersedes", "client_time", "stroke_id"):
        record[name] = getattr(draft, name)
    record["tool"] = dict(draft.tool)
    if isinstance(draft, CorrectionDraft):
        record["patch"] = None if draft.patch is None else _plain(vars(draft.patch))
    else:
        record |= {"old_zone": draft.old_zone, "new_zone": draft.new_zone}
        record["weights"] = None if draft.weights is None else _plain(vars(draft.weights))
    return record


def _read(file: Path) -> CorrectionDraft | ZoneDraft:
    try:
        record: dict[str, Any] = parse_json(file.read_bytes())
        if record.pop("format") != _FORMAT:
            raise ValueError("another format")
        map_key = MapKey(**record.pop("lane"))
        common = {
            **record,
            "map_key": map_key,
            "image_shape": tuple(record["image_shape"]),
        }
        if "patch" in record:
            packed = record["patch"]
            common["patch"] = None if packed is None else PackedPatch(**_bytes(packed))
            return CorrectionDraft(**common)
        packed = record["weights"]
        common["weights"] = None if packed is None else PackedWeights(**_bytes(packed))
        return ZoneDraft(**common)
    except (ValueError, KeyError, TypeError, AttributeError, IEAError) as error:
        raise CorruptDataError(
            "a stroke in the outbox cannot be read",
            where=file,
            got=str(error).splitlines()[0],
            remedy="move the file elsewhere and report it: the others can then be submitted",
        ) from error


def _plain(packed: Mapping[str, Any]) -> dict[str, Any]:
    return {k: base64.b64encode(v).decode() if isinstance(v, bytes) else v for k, v in packed.items()}


def _bytes(packed: Mapping[str, Any]) -> dict[str, Any]:
    return {k: base64.b64decode(v, validate=True) if isinstance(v, str) else v for k, v in packed.items()}
