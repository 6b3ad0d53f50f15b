"""Images of a release as arrays, and the same pixels by plain zarr-python.

python examples/look_at_a_release.py demo/release
"""

import sys

import numpy as np
import zarr

import iea40k
from iea40k.zones import zone_map


def main(folder: str) -> None:
    release = iea40k.open_release(folder)
    print(release)
    for image in list(release)[:9]:
        under = float((image.residual > 0.15).mean())  # NaN, where there is no data, is not above anything
        over = float((image.residual < -0.15).mean())
        zones = np.percentile(zone_map(image.exposure), [5, 50, 95]).round(1)
        print(f"{image.image_id:24} under {under:4.0%}  over {over:4.0%}  zones {zones}")

    # Any reader of Zarr v3 gives the same; codes are residual x 32640, and -32768 is no data.
    facts = image.facts
    frame = zarr.open_group(release.path / "arrays", mode="r")[facts["frame"]]
    assert np.array_equal(frame["residual"][facts["index"]], image.codes)
    assert np.array_equal(frame["exposures"][facts["index"]], image.exposure)

    # A residual is nothing but this difference, as long as nobody has corrected it.
    computed = iea40k.residual(image.reference, image.exposure, image.validity)
    untouched = image.validity & ~image.touched
    assert np.array_equal(computed[untouched], image.residual[untouched])


if __name__ == "__main__":
    main(sys.argv[1])
