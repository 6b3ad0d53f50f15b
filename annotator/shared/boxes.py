"""Boxes of pixels, (rows, columns) as slices, and points."""

Box = tuple[slice, slice]

Point = tuple[float, float]
"""(row, column) in pixels; the centre of the first pixel is (0, 0)."""

Spot = tuple[int, int]
"""A pixel, (row, column)."""


def whole(shape: tuple[int, ...]) -> Box:
    """Return the box of all of a picture of `shape`."""
    return slice(0, shape[0]), slice(0, shape[1])


def grown(box: Box, by: int, shape: tuple[int, ...]) -> Box:
    """Return a box grown by `by` pixels on each side, inside a picture of `shape`."""
    rows, columns = (
        slice(max(0, span.start - by), min(size, span.stop + by))
        for span, size in zip(box, shape[:2], strict=True)
    )
    return rows, columns


def around(a: Box, b: Box | None) -> Box:
    """Return the smallest box around two."""
    if b is None:
        return a
    rows, columns = (slice(min(p.start, q.start), max(p.stop, q.stop)) for p, q in zip(a, b, strict=True))
    return rows, columns


def inside(box: Box, wide: Box) -> Box:
    """Return where `box` lies in the pixels of `wide`, which holds it."""
    rows, columns = (slice(b.start - w.start, b.stop - w.start) for b, w in zip(box, wide, strict=True))
    return rows, columns


def holds(shape: tuple[int, ...], spot: Spot) -> bool:
    """Return whether a pixel is in a picture of `shape`."""
    return 0 <= spot[0] < shape[0] and 0 <= spot[1] < shape[1]
