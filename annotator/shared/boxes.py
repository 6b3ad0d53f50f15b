"""Boxes of pixels: (rows, columns) as slices."""

Box = tuple[slice, slice]


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
