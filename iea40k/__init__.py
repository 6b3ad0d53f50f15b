"""IEA40K: datasets of pixel-level image exposure.

The word list of this package (see `docs/words.md`): a *scene* is one composition; its *exposures* differ by
`ev` stops; the *reference* is its ideally exposed image; the *residual* is
`luma(reference) - luma(exposure)`, in [-1, 1], positive where the exposure is underexposed.

Everything named here is imported when it is first used, so that `import iea40k` costs next to nothing.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from iea40k.api import open_release as open_release
    from iea40k.api import open_store as open_store
    from iea40k.api import predict as predict
    from iea40k.api import residual as residual
    from iea40k.api import torch_dataset as torch_dataset
    from iea40k.errors import BadInputError as BadInputError
    from iea40k.errors import IEAError as IEAError
    from iea40k.metrics import holistic_score as holistic_score
    from iea40k.render import heatmap as heatmap
    from iea40k.store.layout import Store as Store
    from iea40k.store.release.image import ReleaseImage as ReleaseImage
    from iea40k.store.release.reading import Release as Release

__version__ = "0.1.0"

_HOMES = {
    "BadInputError": "iea40k.errors",
    "IEAError": "iea40k.errors",
    "Release": "iea40k.store.release.reading",
    "ReleaseImage": "iea40k.store.release.image",
    "Store": "iea40k.store.layout",
    "heatmap": "iea40k.render",
    "holistic_score": "iea40k.metrics",
    "open_release": "iea40k.api",
    "open_store": "iea40k.api",
    "predict": "iea40k.api",
    "residual": "iea40k.api",
    "torch_dataset": "iea40k.api",
}

__all__ = [  # noqa: RUF022 - the order of the page, from what is met first
    "open_release",
    "Release",
    "ReleaseImage",
    "residual",
    "heatmap",
    "holistic_score",
    "predict",
    "torch_dataset",
    "open_store",
    "Store",
    "IEAError",
    "BadInputError",
    "__version__",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'iea40k' has no attribute '{name}'")
    found = getattr(importlib.import_module(_HOMES[name]), name)
    globals()[name] = found  # the next use does not come here
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
