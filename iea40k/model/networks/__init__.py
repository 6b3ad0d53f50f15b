"""Networks that map a photograph to its residual: (B, 3, H, W) in [0, 1] -> (B, 1, H, W), + = underexposed."""

from iea40k.model.networks.registry import Network, build, describe, full_config, names

__all__ = ["Network", "build", "describe", "full_config", "names"]
