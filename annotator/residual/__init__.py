"""What an expert can do to a residual: pure functions on residual codes, no window and no ledger."""
