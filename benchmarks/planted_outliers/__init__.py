"""A truth set for outliers: faults planted in scenes, with what the label should have been.

Shares nothing with the detector that it judges, nor the detector with it: import-linter holds both ways. Seeds and
photographs of `TUNING` may be looked at freely; each run over those of `TEST` is a look, and `LOOKS` counts them.
"""
