"""WebDataset: tar files of samples, as its library and others stream them."""

import io
import json
import tarfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import numpy as np

from iea40k.escaping import markdown_text
from pipelines.exports.forms import Contents, Sample, png

_CARD = """# {name} {version} as WebDataset

{images} images with a residual a pixel, by the splits of `{scheme}`. A sample is an image:

| member | what |
|---|---|
| `exposure.png`, `reference.png` | sRGB-encoded pictures, 8 bits |
| `residual.npz` | array `codes`, int16: residual = codes / 32640, + = underexposed; -32768 = no data, never 0 |
| `outliers.png` | bit flags, 8 bits |
| `uncertainty.png` | where it is known: codes of a standard deviation, 2 ** ((code - 252) / 24), 255 = unknown |
| `json` | image, scene, level, stops, licence, score, ... |

```python
import webdataset

for sample in webdataset.WebDataset("data/train-00000-of-00001.tar", shardshuffle=False).decode("rgb8"):
    residual = sample["residual.npz"]["codes"] / 32640  # where the code is not -32768
```

`LICENCES.csv` has the licence of every image, `SHA256SUMS` the checksums.
"""


class WebDataset:
    """See the module."""

    name = "webdataset"
    suffix = "tar"

    def write(self, file: Path, samples: Iterable[Sample]) -> None:
        """Write the samples as members of a tar: no time, no owner, so that the same samples are the same bytes."""
        with tarfile.open(file, "w", format=tarfile.USTAR_FORMAT) as tar:
            for number, sample in enumerate(samples):
                for member, data in _members(sample):
                    # The library takes what is before the first dot as the sample's key; scene ids may have dots.
                    told = tarfile.TarInfo(f"{number:08}.{member}")
                    told.size = len(data)
                    tar.addfile(told, io.BytesIO(data))

    def describe(self, contents: Contents) -> Mapping[str, str]:
        """Return the card."""
        counted = ", ".join(f"{count} {split}" for split, count in contents.images.items())
        facts = {
            "name": markdown_text(contents.head["name"]),
            "version": contents.head["version"],
            "scheme": contents.scheme,
        }
        return {"README.md": _CARD.format(**facts, images=f"{sum(contents.images.values())} ({counted})")}


def _members(sample: Sample) -> Iterator[tuple[str, bytes]]:
    yield "exposure.png", png(sample.exposure)
    yield "reference.png", png(sample.reference)
    packed = io.BytesIO()
    np.savez_compressed(packed, codes=sample.residual)
    yield "residual.npz", packed.getvalue()
    yield "outliers.png", png(sample.outliers)
    if sample.uncertainty is not None:
        yield "uncertainty.png", png(sample.uncertainty)
    yield "json", json.dumps(dict(sample.facts), ensure_ascii=False).encode()
