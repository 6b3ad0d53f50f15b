"""The dataset for everybody's loop: items by plain number, float tensors, any `DataLoader`; and the fast loader."""

from collections.abc import Iterator
from operator import index as as_index

import torch
from torch import Tensor
from torch.utils.data import Dataset

from iea40k.errors import OutOfRangeError
from iea40k.model.data.batches import BatchSampler, make_loader
from iea40k.model.data.dataset import Batch, ExposureDataset, ViewConfig, collate, to_batch
from iea40k.model.data.samples import Sample, Samples


class TorchDataset(Dataset[dict[str, Tensor]]):
    """Labelled images as float tensors. `len()`, `dataset[0]`, `samples` (a `Sample` each: scene, level, stops).

    An item has the fields of `Batch` without its first axis: `image` (3, h, w) float32 in [0, 1], sRGB-encoded; `label`
    (1, h, w) float32, the residual in [-1, 1], + = underexposed, 0 where not valid; `valid` (1, h, w) bool; `weight`
    (1, h, w) float32; `number` () int64, the image's place in `samples`.

    Random crops and flips are drawn from PyTorch's generator, so `torch.manual_seed` repeats them and every epoch of
    a plain `DataLoader` sees others. `loader()` repeats them from its seed alone, and is the faster one.
    """

    def __init__(self, samples: Samples, view: ViewConfig) -> None:
        self.stored = ExposureDataset(samples, view)

    def __repr__(self) -> str:
        view = self.stored.view
        return f"<TorchDataset of {len(self)} images: view {view.mode}, size {view.size}, flips {view.flips}>"

    @property
    def samples(self) -> tuple[Sample, ...]:
        """The facts of each image, by number."""
        return self.stored.samples.samples

    def __len__(self) -> int:
        return len(self.samples)

    def __getitem__(self, number: int) -> dict[str, Tensor]:
        """Return item `number` (negative counts from the end). Raises `OutOfRangeError`, an `IndexError`."""
        place = as_index(number)
        if not -len(self) <= place < len(self):
            raise OutOfRangeError.of("the dataset", "image", place, len(self))
        view = self.stored.view
        draws = view.flips or view.mode == "random"
        epoch = int(torch.randint(2**31, ())) if draws else 0
        batch = to_batch(collate([self.stored[epoch, place % len(self)]]), side=self._side)
        return {name: tensor[0] for name, tensor in vars(batch).items() if tensor is not None}

    def loader(
        self, batch: int, *, workers: int = 0, shuffle: bool = True, device: str = "cpu", seed: int = 0
    ) -> "BatchLoader":
        """Return the fast loader: an iterable of `Batch`; each time it is iterated it shows the next epoch.

        Workers send stored integers, which become floats on `device`. With `shuffle`, the last batch is filled from the
        beginning of the epoch; without, it is shorter and every image comes once. Whole images are put together by
        shape.
        """
        by_shape = self.stored.view.mode == "whole"
        sampler = BatchSampler(
            self.samples, batch, seed=seed, shuffle=shuffle, by_shape=by_shape, fill=shuffle
        )
        return BatchLoader(self.stored, sampler, workers=workers, device=device, side=self._side)

    @property
    def _side(self) -> int | None:
        return self.stored.view.size if self.stored.view.mode == "official" else None


class BatchLoader:
    """Batches of a dataset, an epoch each time it is iterated. `seek(epoch)` says which one comes next."""

    def __init__(
        self, dataset: ExposureDataset, sampler: BatchSampler, *, workers: int, device: str, side: int | None
    ) -> None:
        self._sampler = sampler
        self._items = make_loader(dataset, sampler, workers=workers, pin=device.startswith("cuda"))
        self._device = torch.device(device)
        self._side = side
        self._next = 0

    def seek(self, epoch: int) -> None:
        """Let the next iteration be that of `epoch`, counted from 0."""
        self._next = epoch

    def __len__(self) -> int:
        return len(self._sampler)

    def __iter__(self) -> Iterator[Batch]:
        self._sampler.seek(self._next)
        self._next += 1
        for items in self._items:
            yield to_batch(items, device=self._device, side=self._side)
