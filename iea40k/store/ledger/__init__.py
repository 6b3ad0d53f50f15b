"""The ledger: append-only corrections and zone edits, the queue, consensus and agreement."""

from iea40k.store.ledger.entries import (
    REFERENCE,
    Correction,
    CorrectionDraft,
    Lane,
    Lease,
    ZoneDraft,
    ZoneEdit,
)
from iea40k.store.ledger.fold import Folded, History, fold, history, replay
from iea40k.store.ledger.ledger import Ledger
from iea40k.store.ledger.patch import PackedPatch, Patch
from iea40k.store.ledger.weights import PackedWeights

__all__ = [
    "REFERENCE",
    "Correction",
    "CorrectionDraft",
    "Folded",
    "History",
    "Lane",
    "Lease",
    "Ledger",
    "PackedPatch",
    "PackedWeights",
    "Patch",
    "ZoneDraft",
    "ZoneEdit",
    "fold",
    "history",
    "replay",
]
