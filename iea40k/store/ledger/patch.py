"""What a stroke changed: a box, the pixels touched in it, their codes before and after; packed without loss."""

import zlib
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from iea40k.arrays import INVALID_CODE, ResidualCodes, Validity, bounding_box, check_codes
from iea40k.errors import ArrayError, CorruptDataError

_LEVEL = 6  # of deflate: 9 gains 1 % on strokes and takes twice as long


@dataclass(frozen=True, eq=False)
class Patch:
    """The pixels of one stroke.

    `mask` is (h, w) bool with its top left corner at row `top`, column `left` of the image; `old` and `new` are (n,)
    int16 residual codes of the n touched pixels, row by row. Raises `ArrayError` for codes out of range and for
    pixels without valid data, which a stroke neither takes away nor makes up.
    """

    top: int
    left: int
    mask: Validity
    old: NDArray[np.int16]
    new: NDArray[np.int16]

    def __post_init__(self) -> None:
        touched = int(np.count_nonzero(self.mask))
        if (
            self.mask.ndim != 2
            or touched == 0
            or self.old.shape != (touched,)
            or self.new.shape != (touched,)
        ):
            raise ArrayError(
                "a stroke has as many old and new codes as it touches pixels, and touches one at least",
                got=f"{touched} pixels, {self.old.shape} old, {self.new.shape} new",
            )
        for name, codes in (("old", self.old), ("new", self.new)):
            check_codes(codes, f"the stroke's {name} codes")
            if (codes == INVALID_CODE).any():
                raise ArrayError(
                    f"the stroke's {name} codes hold pixels without valid data",
                    remedy="limit the stroke to valid pixels",
                )

    @classmethod
    def between(
        cls, before: ResidualCodes, after: ResidualCodes, touched: Validity | None = None
    ) -> Self | None:
        """Return the patch that turns `before` into `after`, both (H, W) int16; None where nothing was touched.

        `touched` (H, W) bool names the touched pixels; without it they are those whose codes differ. Raises
        `ArrayError` where a pixel outside `touched` differs.
        """
        differs = before != after
        if touched is None:
            touched = differs
        elif bool((differs & ~touched).any()):
            raise ArrayError("the codes differ outside the touched pixels")
        box = bounding_box(touched)
        if box is None:
            return None
        mask = touched[box].copy()
        return cls(box[0].start, box[1].start, mask, before[box][mask], after[box][mask])

    @property
    def pixels(self) -> int:
        """How many pixels the stroke touches."""
        return self.old.size

    @property
    def box(self) -> tuple[slice, slice]:
        """Where the mask lies in the image: its rows and columns."""
        height, width = self.mask.shape
        return slice(self.top, self.top + height), slice(self.left, self.left + width)


@dataclass(frozen=True)
class PackedPatch:
    """A patch as the ledger stores it: the box, and three deflated byte strings.

    - `mask`: the touched pixels as bits, rows joined, highest bit first; empty where the whole box is touched
    - `old_codes`, `new_codes`: differences of neighbours (modulo 2^16, the first from 0), all low bytes, then all
      high bytes
    """

    top: int
    left: int
    height: int
    width: int
    pixels: int
    mask: bytes
    old_codes: bytes
    new_codes: bytes

    @classmethod
    def of(cls, patch: Patch) -> Self:
        """Pack a patch."""
        height, width = patch.mask.shape
        whole = patch.pixels == patch.mask.size
        return cls(
            top=patch.top,
            left=patch.left,
            height=height,
            width=width,
            pixels=patch.pixels,
            mask=b"" if whole else zlib.compress(np.packbits(patch.mask).tobytes(), _LEVEL),
            old_codes=pack_codes(patch.old),
            new_codes=pack_codes(patch.new),
        )

    @property
    def box(self) -> tuple[slice, slice]:
        """Where the stroke lies in the image: its rows and columns."""
        return slice(self.top, self.top + self.height), slice(self.left, self.left + self.width)

    def unpack(self) -> Patch:
        """Return the patch; raises `CorruptDataError` where the bytes are not what they must be."""
        try:
            return Patch(
                self.top,
                self.left,
                self.unpack_mask(),
                unpack_codes(self.old_codes, self.pixels),
                unpack_codes(self.new_codes, self.pixels),
            )
        except ArrayError as error:
            raise CorruptDataError("a stored stroke cannot be read", got=error.what) from error

    def unpack_mask(self) -> Validity:
        """Return the touched pixels, (height, width) bool."""
        if not self.mask:
            mask = np.ones((self.height, self.width), np.bool_)
        else:
            size = self.height * self.width
            bits = np.frombuffer(inflate(self.mask, (size + 7) // 8), np.uint8)
            mask = np.unpackbits(bits, count=size).reshape(self.height, self.width).astype(np.bool_)
        if np.count_nonzero(mask) != self.pixels:
            raise CorruptDataError("a stored stroke's mask does not match its number of pixels")
        return mask

    def paint(self, codes: ResidualCodes) -> None:
        """Write the new codes into `codes` (H, W) in place. Raises `CorruptDataError` where the box leaves it."""
        self.check_inside(codes.shape[0], codes.shape[1])
        view = codes[self.box]
        new = unpack_codes(self.new_codes, self.pixels)
        if self.mask:
            view[self.unpack_mask()] = new
        elif self.pixels == view.size:
            view[...] = new.reshape(view.shape)
        else:
            raise CorruptDataError("a stored stroke's mask does not match its number of pixels")

    def touch(self, touched: Validity) -> None:
        """Set the touched pixels in `touched` (H, W) in place."""
        self.check_inside(touched.shape[0], touched.shape[1])
        touched[self.box] |= self.unpack_mask()

    def check_inside(self, height: int, width: int) -> None:
        """Raise `ArrayError` where the box is not inside an image of this size."""
        check_box(self.top, self.left, self.height, self.width, (height, width))


def check_box(top: int, left: int, height: int, width: int, image: tuple[int, int]) -> None:
    """Raise `ArrayError` where a box is empty or not inside an image of (height, width)."""
    if min(top, left) < 0 or min(height, width) < 1 or top + height > image[0] or left + width > image[1]:
        raise ArrayError(
            "the stroke lies outside its image",
            expected=f"rows 0 ... {image[0] - 1}, columns 0 ... {image[1] - 1}",
            got=f"rows {top} ... {top + height - 1}, columns {left} ... {left + width - 1}",
        )


def pack_codes(codes: NDArray[np.int16]) -> bytes:
    """Return (n,) int16 codes packed as `PackedPatch` says."""
    steps = np.diff(codes.astype("<i2").view("<u2"), prepend=np.uint16(0))
    return zlib.compress(steps.astype("<u2").view(np.uint8).reshape(-1, 2).T.tobytes(), _LEVEL)


def unpack_codes(packed: bytes, count: int) -> NDArray[np.int16]:
    """Return the (count,) int16 codes of `pack_codes`; raises `CorruptDataError` for other bytes."""
    planes = np.frombuffer(inflate(packed, 2 * count), np.uint8).reshape(2, count).astype(np.uint16)
    return np.cumsum(planes[0] | (planes[1] << 8), dtype=np.uint16).view(np.int16)


def inflate(packed: bytes, size: int) -> bytes:
    """Return exactly `size` inflated bytes, never more memory than that; raises `CorruptDataError`."""
    inflater = zlib.decompressobj()
    try:
        data = inflater.decompress(packed, size)
        # The end of the stream, with its checksum, may still wait in the input.
        rest = inflater.decompress(inflater.unconsumed_tail, 1) if not inflater.eof else b""
    except zlib.error as error:
        raise CorruptDataError("stored bytes cannot be inflated", got=str(error)) from error
    if len(data) != size or rest or not inflater.eof or inflater.unused_data:
        raise CorruptDataError("stored bytes are not as long as they must be", expected=f"{size} bytes")
    return data
