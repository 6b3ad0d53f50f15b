"""Guards: boxes inside their image, events that are true, no more people on a task than it has places."""

from alembic import op

from iea40k.store.ledger.migrations import guard_triggers

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Make the triggers; what is recorded already is left as it is."""
    for statement in guard_triggers.statements(op.get_bind().dialect.name):
        op.execute(statement)
