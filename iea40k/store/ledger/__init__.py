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
from iea40k.store.ledger.fold import Folded, History, fold, history, replay, step_draft
from iea40k.store.ledger.ledger import Ledger
from iea40k.store.ledger.outbox import Delivery, Outbox, Waiting
from iea40k.store.ledger.patch import PackedPatch, Patch
from iea40k.store.ledger.queue import Queue
from iea40k.store.ledger.tasks import TaskRequest, add_tasks
from iea40k.store.ledger.weights import PackedWeights

__all__ = [
    "REFERENCE",
    "Correction",
    "CorrectionDraft",
    "Delivery",
    "Folded",
    "History",
    "Lane",
    "Lease",
    "Ledger",
    "Outbox",
    "PackedPatch",
    "PackedWeights",
    "Patch",
    "Queue",
    "TaskRequest",
    "Waiting",
    "ZoneDraft",
    "ZoneEdit",
    "add_tasks",
    "fold",
    "history",
    "replay",
    "step_draft",
]
