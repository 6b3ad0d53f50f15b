"""Which columns of a manifest, and attributes of a stored scene, are labels."""

LABELS = ("licence", "device", "super_class", "scene_class", "light", "source", "generator")
"""Columns that say something of a scene without being of what it is built from."""

_OWN = ("x_", "split_")


def is_label(name: str) -> bool:
    """Return whether a column, or an attribute of a stored scene, is a label: it may change without a build."""
    return name in LABELS or name.startswith(_OWN)
