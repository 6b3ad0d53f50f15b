"""Alembic migrations of the ledger, shipped with the package."""
