"""Releases: immutable, versioned, checksummed folders that trainers consume."""

from iea40k.store.release.diff import ImageChange, ReleaseDiff, diff_releases
from iea40k.store.release.labels import Labels, LabelsOf, Provenance
from iea40k.store.release.outgoing import Outgoing, what_may_go_out
from iea40k.store.release.plan import ReleaseOptions
from iea40k.store.release.reading import Release
from iea40k.store.release.verify import verify_release
from iea40k.store.release.writing import check_version, write_release

__all__ = [
    "ImageChange",
    "Labels",
    "LabelsOf",
    "Outgoing",
    "Provenance",
    "Release",
    "ReleaseDiff",
    "ReleaseOptions",
    "check_version",
    "diff_releases",
    "verify_release",
    "what_may_go_out",
    "write_release",
]
