"""Into what a large picture is cut for networks that see any size."""

TILE = 1024
"""Side of a tile in pixels; larger pictures are taken tile by tile."""

OVERLAP = 128
"""Pixels over which neighbouring tiles fade into one another."""
