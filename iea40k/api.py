"""What `import iea40k` offers: a release and its images, residuals of arrays, predictions, a dataset for PyTorch.

These are short ways into the rooms below; whoever needs more goes there. PyTorch is imported only by what runs a
network.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from iea40k.arrays import EncodedRGB, Residual, Validity, residual_from_codes
from iea40k.extras import require
from iea40k.files import AnyPath
from iea40k.residuals import residual_codes
from iea40k.store.layout import Store
from iea40k.store.release.reading import Release

if TYPE_CHECKING:
    from iea40k.model.data.plain import TorchDataset
    from iea40k.model.data.views import Mode
    from iea40k.model.predict import Prediction
    from iea40k.model.weights import Weights

DEFAULT_WEIGHTS = "curve_net"
"""The shipped weights that `predict` takes where none are named."""


def open_release(
    path: AnyPath,
    *,
    storage_options: Mapping[str, Any] | None = None,
    cache: AnyPath | None = None,
    cache_gib: float | None = None,
) -> Release:
    """Open the release in a folder, or at an address: https://, s3:// or another that fsspec knows.

    `release["astronaut_N2"]` and `release[0]` are images with their arrays; `release.images`, `.scenes`, `.splits` and
    `.provenance` are pandas tables. Raises `NotThereError` where there is no release, or a store instead of one.

    From a server come only the tables and the parts of pictures that are read; each has a checksum that is compared.
    They are kept in the folder `cache` (by default IEA40K_CACHE, else the user's own), up to `cache_gib` GiB
    (IEA40K_CACHE_GIB). `storage_options` go to fsspec. Raises `RemoteError` where a server cannot be reached, refuses
    or gives something else, `MissingExtraError` without iea40k[remote].
    """
    return Release.open(path, storage_options=storage_options, cache=cache, cache_gib=cache_gib)


def open_store(path: AnyPath) -> Store:
    """Open the store in a folder. Raises `NotThereError` where there is no store, or a release instead of one."""
    return Store.open(path)


def residual(
    reference: EncodedRGB, exposure: NDArray[np.uint8], validity: Validity | None = None
) -> Residual:
    """Return `luma(reference) - luma(exposure)` as float32 in [-1, 1]: positive where the exposure is underexposed.

    `reference` is (H, W, 3) uint8, sRGB-encoded R, G, B. `exposure` is one picture like it, or several as
    (E, H, W, 3); the result is (H, W) or (E, H, W). Where `validity` (bool, the result's shape or (H, W)) is False
    the result is NaN. The values are those of stored residuals: multiples of 1/32640, nearest to the exact difference
    (at most 1/65280 away from it). Raises `ArrayError` for other shapes and dtypes.

    >>> import numpy as np
    >>> grey = np.full((2, 2, 3), 128, np.uint8)
    >>> residual(grey, grey // 2)
    array([[0.2509804, 0.2509804],
           [0.2509804, 0.2509804]], dtype=float32)
    >>> residual(grey, np.stack([grey, grey + 51]))[:, 0, 0].tolist()
    [0.0, -0.20000000298023224]
    """
    exposures = np.asarray(exposure)
    if exposures.ndim == 4:
        return residual_from_codes(residual_codes(reference, exposures, validity))
    return residual_from_codes(residual_codes(reference, exposures[None], validity)[0])


def predict(
    image: AnyPath | EncodedRGB, *, weights: "AnyPath | Weights" = DEFAULT_WEIGHTS, **options: Any
) -> "Prediction":
    """Return the residual map and the score that a network gives a photograph.

    `image` is a file (JPEG, PNG, TIFF or RAW) or a picture (H, W, 3) uint8, sRGB-encoded. `weights` are the name of
    shipped weights, a file, or what `iea40k.model.weights.load_weights` returned, which saves loading them again for
    every photograph. `options` are the fields of `iea40k.model.predict.PredictOptions`, such as `native=True`.

    The result has `residual` (H, W) float32, + = underexposed; `score`, 10 (1 - mean |residual|); `band` (H, W), the
    half-width of the 90 % band; and `facts`, whose `unlike` says why a network knows nothing of such a picture.
    Raises `MissingExtraError` without PyTorch, `UnreadableImageError` for a file that is no photograph.
    """
    from iea40k.develop import load_guarded
    from iea40k.model.loading import load_predictor
    from iea40k.model.predict import PredictOptions, predict_image

    chosen = load_predictor(weights) if isinstance(weights, str | Path) else weights
    picture = load_guarded(image, short_side=None)[0] if isinstance(image, str | Path) else image
    return predict_image(chosen, picture, PredictOptions(**options))


def torch_dataset(
    release: Release | AnyPath,
    split: str = "train",
    *,
    scheme: str = "split_0",
    levels: Sequence[str] = (),
    view: "Mode | None" = None,
    size: int = 256,
    flips: bool | None = None,
    seed: int = 0,
) -> "TorchDataset":
    """Return the labelled images of one split of a release as a PyTorch dataset.

    `split` is "train", "valid" or "test" of `scheme`, a column of `release.splits`. `levels` keeps only some, such as
    ("N2", "P0"). `view` is "random" or "centre" crops of `size` x `size` pixels, "whole" images, or "official", whole
    images that the fast loader resizes to `size` x `size`; by default random crops with flips for "train" and centre
    crops without for the others. Raises `BadInputError` for a split or scheme that does not exist or has no images,
    `MissingExtraError` without PyTorch.
    """
    require("torch", "trainer")
    from iea40k.model.data.dataset import ViewConfig
    from iea40k.model.data.plain import TorchDataset
    from iea40k.model.data.release_samples import ReleaseSamples

    opened = release if isinstance(release, Release) else Release.open(release)
    mode: Mode = view or ("random" if split == "train" else "centre")
    turned = mode == "random" if flips is None else flips
    samples = ReleaseSamples(opened, scheme, split, levels)
    return TorchDataset(samples, ViewConfig(mode, size, turned, seed))
