"""Where networks run."""

import torch

from iea40k.errors import BadInputError


def pick_device(name: str) -> str:
    """Return "cpu" or "cuda" for cpu, cuda or auto. Raises `BadInputError` for another name or a missing GPU."""
    there = torch.cuda.is_available()
    if name not in ("auto", "cpu", "cuda") or (name == "cuda" and not there):
        raise BadInputError("no such device", expected="cpu, auto" + (", cuda" if there else ""), got=name)
    return "cuda" if there and name != "cpu" else "cpu"
