"""The store: built scenes, the ledger of corrections, and releases."""
