"""The labels that a network disputes, worst first; with a store, into its queue for people to look at.

    python examples/audit_labels.py demo/release
    python examples/audit_labels.py demo/release demo/store

Who is wrong, the network or the label, is for a person to say: nothing is changed here.
"""

import sys

import iea40k
from iea40k.metrics import map_metrics
from iea40k.model.weights import load_weights
from iea40k.store.ledger import Ledger, TaskRequest, add_tasks

MOST = 5


def main(folder: str, store: str | None = None) -> None:
    weights = load_weights("p_ieanet_s")
    release = iea40k.open_release(folder)
    disputed = []
    for image in release:
        if not image.validity.any():
            continue
        predicted = iea40k.predict(image.exposure, weights=weights).residual
        found = map_metrics(predicted, image.residual)
        disputed.append((found["mae"], found["sign"], image))
    disputed.sort(key=lambda one: -one[0])
    for error, sign, image in disputed[:MOST]:
        print(f"{image.image_id:24} differs by {error:.3f}; the signs agree on {sign:4.0%} of the pixels")
    if store is None:
        return
    tasks = [
        TaskRequest(image.scene, image.level, priority=1 + error, reason="dispute", note={"mae": error})
        for error, _, image in disputed[:MOST]
    ]
    with Ledger.open(store, create=True) as ledger:
        add_tasks(ledger, tasks, actor="trainer")
    print(f"{len(tasks)} images are in the queue: iea40k annotate {store}")


if __name__ == "__main__":
    main(*sys.argv[1:])
