"""Resizing as products with small matrices: exact at every size, in windows, differentiable, of plain operations."""

import torch
from torch import Tensor


def area_matrix(length: int, cells: int, like: Tensor) -> Tensor:
    """Return (cells, length): means of `length` pixels over `cells` equal parts of a side, fractions counted."""
    pixel = torch.arange(length, device=like.device, dtype=like.dtype)
    cell = torch.arange(cells, device=like.device, dtype=like.dtype)[:, None]
    each = length / cells
    shared = torch.minimum(pixel + 1, (cell + 1) * each) - torch.maximum(pixel, cell * each)
    return shared.clamp_min(0) / each


def spline_matrix(
    count: int, cells: int, like: Tensor, *, start: int = 0, length: int | None = None
) -> Tensor:
    """Return (count, cells): the shares of cells in the pixels `start` ... `start + count` of a side of `length`.

    Cubic B-splines: what is enlarged has no kink, no ripple and no mesh at any size. Beyond the last cells their
    values go on. `length` is `count` where it is not given.
    """
    total = count if length is None else length
    pixel = torch.arange(count, device=like.device, dtype=like.dtype)[:, None] + start
    place = (pixel + 0.5) * (cells / total) - 0.5
    # Two cells beyond each end stand for the last one, as replication would.
    cell = torch.arange(-2, cells + 2, device=like.device, dtype=like.dtype)
    distance = (place - cell).abs()
    near = 2 / 3 - distance.square() + distance.pow(3) / 2
    far = (2 - distance).clamp_min(0).pow(3) / 6
    share = torch.where(distance < 1, near, far)
    first = share[:, :3].sum(1, keepdim=True)
    last = share[:, -3:].sum(1, keepdim=True)
    return torch.cat([first, share[:, 3:-3], last], 1)


def pool_matrix(length: int, cells: int, like: Tensor) -> Tensor:
    """Return (cells, length): means over the cells of adaptive pooling, whole pixels that may be in two cells.

    The same cells as those of `torch.nn.functional.adaptive_avg_pool2d`, but of plain operations for any length.
    """
    pixel = torch.arange(length, device=like.device)
    cell = torch.arange(cells, device=like.device)[:, None]
    inside = ((pixel * cells < (cell + 1) * length) & ((pixel + 1) * cells > cell * length)).to(like.dtype)
    return inside / inside.sum(1, keepdim=True)
