"""The planted scenes of the outliers' tests."""

from tests.iea40k.outliers.conftest import fault

__all__ = ["fault"]
