"""The same labelled images, stored and read in several ways: a release by two readers, PNG + npy, memory maps, ..."""

from functools import cached_property
from pathlib import Path

import cv2
import numpy as np
import zarr

from iea40k.arrays import CODES_PER_255TH, EncodedRGB, ResidualCodes
from iea40k.model.data import Pixels, Sample
from iea40k.store.codecs import create_array
from iea40k.store.release import Release
from iea40k.store.shards import ShardedArray

WHOLE = slice(None)


class Contender:
    """A numbered collection for the trainer's loader; entry `number % images` of one frame shape."""

    def __init__(self, folder: Path, shape: tuple[int, int], images: int, crops: int) -> None:
        self.folder, self.shape, self.images = folder, shape, images
        self.samples = tuple(Sample(str(i), "P0", 0.0, shape) for i in range(crops))

    def __getstate__(self) -> dict[str, object]:
        # Open files stay in the process that opened them.
        return {k: v for k, v in self.__dict__.items() if k in ("folder", "shape", "images", "samples")}

    def read(self, number: int, rows: slice = WHOLE, columns: slice = WHOLE) -> Pixels:
        image, codes = self.window(number % self.images, rows, columns)
        return Pixels(image, codes, None)

    def window(self, entry: int, rows: slice, columns: slice) -> tuple[EncodedRGB, ResidualCodes]:
        raise NotImplementedError

    def bytes_on_disk(self) -> int:
        return sum(p.stat().st_size for p in self.folder.rglob("*") if p.is_file())


class _OfRelease(Contender):
    @property
    def frame(self) -> Path:
        return self.folder / "arrays" / f"{self.shape[0]}x{self.shape[1]}"

    def bytes_on_disk(self) -> int:
        chosen = [self.frame / name for name in ("exposures", "residual")]
        return sum(p.stat().st_size for folder in chosen for p in folder.rglob("*") if p.is_file())


class Direct(_OfRelease):
    """The release by this project's reader."""

    @cached_property
    def arrays(self) -> tuple[ShardedArray, ShardedArray]:
        release = Release.open(self.folder)
        name = self.frame.name
        return release.array(name, "exposures"), release.array(name, "residual")

    def window(self, entry: int, rows: slice, columns: slice) -> tuple[EncodedRGB, ResidualCodes]:
        exposures, residual = self.arrays
        return exposures.read(entry, rows, columns), residual.read(entry, rows, columns)


class ZarrPython(_OfRelease):
    """The release by zarr-python."""

    @cached_property
    def arrays(self) -> tuple[zarr.Array, zarr.Array]:
        group = zarr.open_group(self.frame, mode="r")
        return group["exposures"], group["residual"]

    def window(self, entry: int, rows: slice, columns: slice) -> tuple[EncodedRGB, ResidualCodes]:
        exposures, residual = self.arrays
        return exposures[entry, rows, columns], residual[entry, rows, columns]


class ZarrFrames(ZarrPython):
    """The same pixels in about the same space, as zarr-python reads them quicker: a chunk a frame."""

    @property
    def frame(self) -> Path:
        return self.folder

    def write(self, images: EncodedRGB, codes: ResidualCodes) -> None:
        group = zarr.create_group(self.folder, zarr_format=3)
        for name, values in (("exposures", images), ("residual", codes)):
            create_array(group, name, values.shape, (1, *values.shape[1:]), values.shape)[...] = values


class PngNpy(Contender):
    """The published layout: a PNG an exposure, an npy a label (float32, units of 1/255)."""

    def write(self, entry: int, image: EncodedRGB, codes: ResidualCodes) -> None:
        cv2.imwrite(str(self.folder / f"{entry}.png"), cv2.cvtColor(image, cv2.COLOR_RGB2BGR))
        np.save(self.folder / f"{entry}.npy", codes.astype(np.float32) / CODES_PER_255TH)

    def window(self, entry: int, rows: slice, columns: slice) -> tuple[EncodedRGB, ResidualCodes]:
        image = cv2.imread(str(self.folder / f"{entry}.png"), cv2.IMREAD_COLOR)
        label = np.load(self.folder / f"{entry}.npy")[rows, columns]
        rgb = cv2.cvtColor(np.ascontiguousarray(image[rows, columns]), cv2.COLOR_BGR2RGB)
        return rgb, (label * CODES_PER_255TH).astype(np.int16)


class RawMemmap(Contender):
    """Uncompressed, plane after plane as a network wants them: nothing to decode, and the most space."""

    def write(self, images: np.ndarray, codes: np.ndarray) -> None:
        np.ascontiguousarray(images.transpose(0, 3, 1, 2)).tofile(self.folder / "images.raw")
        codes.tofile(self.folder / "codes.raw")

    @cached_property
    def arrays(self) -> tuple[np.ndarray, np.ndarray]:
        planes = (self.images, 3, *self.shape)
        images = np.memmap(self.folder / "images.raw", np.uint8, "r", shape=planes)
        return images, np.memmap(self.folder / "codes.raw", np.int16, "r", shape=(self.images, *self.shape))

    def window(self, entry: int, rows: slice, columns: slice) -> tuple[EncodedRGB, ResidualCodes]:
        images, codes = self.arrays
        window = np.array(images[entry, :, rows, columns]).transpose(1, 2, 0)
        return window, np.array(codes[entry, rows, columns])
