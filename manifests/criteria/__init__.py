"""Criteria files: a maker's rules from a residual map to a score. `docs/criteria.md` has their keys."""
