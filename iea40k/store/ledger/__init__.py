"""The ledger: append-only corrections and zone edits, the queue, consensus and agreement."""

from iea40k.store.ledger.entries import (
    REFERENCE,
    Correction,
    CorrectionDraft,
    Lease,
    MapKey,
    ZoneDraft,
    ZoneEdit,
)
from iea40k.store.ledger.ledger import Ledger
from iea40k.store.ledger.outbox import Delivery, Outbox, Waiting
from iea40k.store.ledger.patch import PackedPatch, Patch
from iea40k.store.ledger.queue import Queue
from iea40k.store.ledger.replay import History, Replayed, history, replay, replay_codes, step_draft
from iea40k.store.ledger.tasks import TaskRequest, add_tasks
from iea40k.store.ledger.weights import PackedWeights

__all__ = [
    "REFERENCE",
    "Correction",
    "CorrectionDraft",
    "Delivery",
    "History",
    "Lease",
    "Ledger",
    "MapKey",
    "Outbox",
    "PackedPatch",
    "PackedWeights",
    "Patch",
    "Queue",
    "Replayed",
    "TaskRequest",
    "Waiting",
    "ZoneDraft",
    "ZoneEdit",
    "add_tasks",
    "history",
    "replay",
    "replay_codes",
    "step_draft",
]
