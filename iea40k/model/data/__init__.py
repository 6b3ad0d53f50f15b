"""Data for training: samples of a release, views of them, and batches that any run can repeat."""

from iea40k.model.data.batches import BatchSampler, Rank, make_loader
from iea40k.model.data.dataset import Batch, ExposureDataset, ViewConfig, collate, to_batch
from iea40k.model.data.resident import Resident, resident_bytes
from iea40k.model.data.samples import Pixels, Sample, Samples

__all__ = [
    "Batch",
    "BatchSampler",
    "ExposureDataset",
    "Pixels",
    "Rank",
    "Resident",
    "Sample",
    "Samples",
    "ViewConfig",
    "collate",
    "make_loader",
    "resident_bytes",
    "to_batch",
]
