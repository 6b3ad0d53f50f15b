"""A person's own consistency, for their eyes only: worked out beside the window, and never a hint to any one image.

It is looked up when the session begins and after every `BATCH` images handed in, so that a count that grew names
none of them.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from annotator.shared.language import tr, trn
from iea40k.errors import IEAError
from iea40k.store.ledger.consistency import Consistency

BATCH = 10
"""Images handed in between two looks."""


class OwnConsistency:
    """Keeps the latest figures in words; `text` is "" where there are none, or the ledger does not give them."""

    def __init__(self, look_up: Callable[[], Consistency]) -> None:
        self.text = ""
        self._look_up = look_up
        self._worker = ThreadPoolExecutor(1, "iea40k-consistency")
        self._left = 0

    def image_opened(self) -> None:
        """An image was opened: look the figures up where it is time, without waiting for them."""
        if self._left == 0:
            self._left = BATCH
            self._worker.submit(self._update)
        self._left -= 1

    def close(self) -> None:
        """End; what is under way is waited for."""
        self._worker.shutdown(wait=True, cancel_futures=True)

    def _update(self) -> None:
        try:
            self.text = in_words(self._look_up())
        except IEAError:
            self.text = ""  # Away, or not allowed: it is an extra, and nothing depends on it.


def in_words(found: Consistency) -> str:
    """Return what is shown of the figures, "" where there are none."""
    parts = []
    if found.repeat_difference is not None:
        difference = f"{found.repeat_difference:.3f}"
        parts.append(
            trn(
                "{difference} on {count} repeat",
                "{difference} on {count} repeats",
                found.repeats,
                difference=difference,
            )
        )
    if found.gold_difference is not None:
        parts.append(
            tr(
                "{difference} to the agreed maps on {count}",
                difference=f"{found.gold_difference:.3f}",
                count=found.gold,
            )
        )
    if found.gold_bias is not None:
        size = f"{abs(found.gold_bias):.3f}"
        parts.append(
            tr("you call it {size} more underexposed than agreed", size=size)
            if found.gold_bias > 0
            else tr("you call it {size} more overexposed than agreed", size=size)
        )
    if found.gold_drift is not None:
        parts.append(tr("changing by {drift} in 30 days", drift=f"{found.gold_drift:+.3f}"))
    return tr("Your consistency: {parts}", parts="; ".join(parts)) if parts else ""
