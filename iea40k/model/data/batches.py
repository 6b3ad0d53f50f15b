"""Which images form which batch: shuffled by seed and epoch, divided among ranks, resumable at any batch."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from torch.utils.data import DataLoader, Sampler

from iea40k.errors import BadInputError
from iea40k.model.data.dataset import ExposureDataset, Item, collate
from iea40k.model.data.samples import Sample

Key = tuple[int, int]


@dataclass(frozen=True)
class Rank:
    """This process among those that train together."""

    number: int = 0
    world: int = 1


def epoch_batches(
    samples: Sequence[Sample],
    batch: int,
    *,
    seed: int,
    epoch: int,
    shuffle: bool,
    by_shape: bool,
    fill: bool,
    per_scene: int | None = None,
) -> list[list[int]]:
    """Return the numbers of every batch of an epoch, over all ranks.

    `per_scene` takes at most so many images of a scene, others in each epoch.

    `by_shape` lets no batch mix frame shapes (whole images). `fill` completes each last batch from the beginning of
    its own run, so that all batches are full; otherwise the last ones are shorter. Every image comes at least once.
    """
    numbers = np.arange(len(samples))
    if shuffle:
        numbers = np.random.default_rng((seed, epoch, 1)).permutation(numbers)
    if per_scene is not None:
        numbers = _few_of_each_scene(samples, numbers, per_scene)
    runs: dict[tuple[int, int], list[int]] = {}
    for number in numbers.tolist():
        runs.setdefault(samples[number].shape if by_shape else (0, 0), []).append(number)
    batches = []
    for run in runs.values():
        for start in range(0, len(run), batch):
            part = run[start : start + batch]
            while fill and len(part) < batch:
                part += run[: batch - len(part)]
            batches.append(part)
    if shuffle and by_shape:
        order = np.random.default_rng((seed, epoch, 2)).permutation(len(batches))
        batches = [batches[k] for k in order]
    return batches


def _few_of_each_scene(samples: Sequence[Sample], numbers: NDArray[np.int64], most: int) -> NDArray[np.int64]:
    """Return the first `most` numbers of each scene, in their order."""
    taken: Counter[str] = Counter()
    kept = []
    for number in numbers.tolist():
        scene = samples[number].scene_id
        taken[scene] += 1
        if taken[scene] <= most:
            kept.append(number)
    return np.array(kept)


class BatchSampler(Sampler[list[Key]]):
    """Yields this rank's keys (epoch, number) of each batch, from batch `start` of `epoch` on.

    The position (`epoch`, batches done) is all of its state: `seek` sets it before an epoch is iterated.
    """

    def __init__(
        self,
        samples: Sequence[Sample],
        batch: int,
        *,
        seed: int = 0,
        shuffle: bool = True,
        by_shape: bool = False,
        fill: bool = True,
        rank: Rank | None = None,
        per_scene: int | None = None,
    ) -> None:
        self.rank = rank or Rank()
        if batch < 1 or batch % self.rank.world:
            raise BadInputError(
                "the batch cannot be divided among the processes",
                expected=f"a multiple of {self.rank.world}",
                got=str(batch),
            )
        if not samples:
            raise BadInputError("there is no image to make batches of", remedy="check scheme and split")
        self.samples, self.batch, self.seed = samples, batch, seed
        self.shuffle, self.by_shape, self.fill = shuffle, by_shape, fill
        self.per_scene = per_scene
        self.epoch, self.start = 0, 0

    def seek(self, epoch: int, start: int = 0) -> None:
        """Go to batch `start` of `epoch`."""
        self.epoch, self.start = epoch, start

    def __len__(self) -> int:
        return len(self._batches()) - self.start

    def __iter__(self) -> Iterator[list[Key]]:
        for numbers in self._batches()[self.start :]:
            mine = numbers[self.rank.number :: self.rank.world]
            if mine:
                yield [(self.epoch, number) for number in mine]

    def _batches(self) -> list[list[int]]:
        return epoch_batches(
            self.samples,
            self.batch,
            seed=self.seed,
            epoch=self.epoch,
            shuffle=self.shuffle,
            by_shape=self.by_shape,
            fill=self.fill,
            per_scene=self.per_scene,
        )


def make_loader(
    dataset: ExposureDataset,
    sampler: BatchSampler,
    *,
    workers: int = 0,
    pin: bool = False,
    start: str | None = None,
) -> DataLoader[Item]:
    """Return a loader of collated items. `start` is how workers begin: "fork", "spawn" or None (the system's way)."""
    return DataLoader(
        dataset,
        batch_sampler=sampler,
        collate_fn=collate,
        num_workers=workers,
        pin_memory=pin,
        persistent_workers=workers > 0,
        multiprocessing_context=start if workers else None,
    )
