"""Alembic's entry: run the revisions on the connection that `iea40k.store.ledger.migrate` hands over."""

from alembic import context

context.configure(connection=context.config.attributes["connection"])
with context.begin_transaction():
    context.run_migrations()
