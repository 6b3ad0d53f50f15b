"""Pipelines: photographs in, stores and releases out; the command line."""
