"""Every model on the same splits of a release: measured, compared, written as one table."""

from iea40k.model.benchmark.contenders import Contender, contender_of, default_models
from iea40k.model.benchmark.running import BenchmarkOptions, Ran, run_benchmark

__all__ = ["BenchmarkOptions", "Contender", "Ran", "contender_of", "default_models", "run_benchmark"]
