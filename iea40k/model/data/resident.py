"""Batches from images that lie decoded in the memory of the device that trains: no decoding, no copying."""

from collections.abc import Iterator

import torch

from iea40k.model.data.batches import BatchSampler
from iea40k.model.data.dataset import Item, ViewConfig, as_item, collate, shown
from iea40k.model.data.samples import Samples
from iea40k.model.data.views import choose_view

_BYTES_A_PIXEL = 3 + 2 + 4  # image, codes, uncertainty


class Resident:
    """Iterates the same batches as a loader of `ExposureDataset` with the same view and sampler.

    Without a sampler it gives single items only.
    """

    def __init__(
        self,
        samples: Samples,
        view: ViewConfig,
        sampler: BatchSampler | None = None,
        device: torch.device | None = None,
    ) -> None:
        self.view, self.sampler, self.samples = view, sampler, samples.samples
        self._items: list[Item] = []
        for number in range(len(self.samples)):
            item = as_item(samples.read(number), number)
            # What is resized and rendered is so by the processor, whatever trains.
            place = None if view.mode == "zoom" or view.render else device
            self._items.append({name: tensor.to(place) for name, tensor in item.items()})

    def __len__(self) -> int:
        return len(self.sampler or ())

    def __iter__(self) -> Iterator[Item]:
        for keys in self.sampler or ():
            yield collate([self.item(epoch, number) for epoch, number in keys])

    def item(self, epoch: int, number: int) -> Item:
        """Return what `ExposureDataset` gives for (epoch, number)."""
        config = self.view
        key = (config.seed, epoch, number)
        view = choose_view(config.mode, self.samples[number].shape, config.size, config.flips, key)
        whole = self._items[number]
        window = {
            name: tensor[..., view.rows, view.columns] if tensor.ndim else tensor
            for name, tensor in whole.items()
        }
        return shown(window, self.samples[number], view, config, (epoch, number))


def resident_bytes(samples: Samples) -> int:
    """Return how much memory `Resident` takes for these samples."""
    return sum(s.shape[0] * s.shape[1] * _BYTES_A_PIXEL for s in samples.samples)
