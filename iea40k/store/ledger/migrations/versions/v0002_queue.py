"""The queue: people, tasks, assignments with their leases, and the journal of what happened to them."""

import sqlalchemy as sa
from alembic import op

from iea40k.store.ledger.migrations import queue_triggers, triggers

revision = "0002"
down_revision = "0001"

_BIG_ID = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    """Make the tables and their triggers."""
    op.create_table(
        "annotators",
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("login", sa.Text),
        sa.Column("active", sa.Boolean, nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_annotators"),
        sa.UniqueConstraint("login", name="uq_annotators_login"),
        comment="people, and on PostgreSQL the role each logs in as",
    )
    op.create_table(
        "tasks",
        sa.Column("task", _BIG_ID, nullable=False, autoincrement=True),
        sa.Column("scene_id", sa.Text, nullable=False),
        sa.Column("level", sa.Text, nullable=False),
        sa.Column("purpose", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("priority", sa.Double, nullable=False),
        sa.Column("slots", sa.Integer, nullable=False),
        sa.Column("free", sa.Integer, nullable=False),
        sa.Column("note", sa.Text, nullable=False),
        sa.Column("created", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("task", name="pk_tasks"),
        sa.UniqueConstraint("scene_id", "level", "purpose", name="uq_tasks_scene_id_level_purpose"),
        comment="images that want work, by how many people; `free` is kept by triggers",
    )
    op.create_index(
        "ix_tasks_open",
        "tasks",
        [sa.text("priority DESC"), "task"],
        sqlite_where=sa.text("free > 0"),
        postgresql_where=sa.text("free > 0"),
    )
    op.create_table(
        "assignments",
        sa.Column("assignment", _BIG_ID, nullable=False, autoincrement=True),
        sa.Column("task", sa.BigInteger, nullable=False),
        sa.Column("annotator", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("token", sa.BigInteger),
        sa.Column("expires", sa.BigInteger),
        sa.Column("comment", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("assignment", name="pk_assignments"),
        sa.ForeignKeyConstraint(["task"], ["tasks.task"], name="fk_assignments_task_tasks"),
        sa.UniqueConstraint("task", "annotator", name="uq_assignments_task_annotator"),
        comment="one person's work on one task, as it stands; how it came there is in `events`",
    )
    op.create_index("ix_assignments_annotator_state", "assignments", ["annotator", "state"])
    op.create_index("ix_assignments_state_expires", "assignments", ["state", "expires"])
    op.create_table(
        "events",
        sa.Column("entry", _BIG_ID, nullable=False, autoincrement=False),
        sa.Column("scene_id", sa.Text, nullable=False),
        sa.Column("level", sa.Text, nullable=False),
        sa.Column("seq", sa.BigInteger, nullable=False),
        sa.Column("event_id", sa.Text, nullable=False),
        sa.Column("task", sa.BigInteger, nullable=False),
        sa.Column("assignment", sa.BigInteger),
        sa.Column("purpose", sa.Text, nullable=False),
        sa.Column("annotator", sa.Text),
        sa.Column("actor", sa.Text, nullable=False),
        sa.Column("event", sa.Text, nullable=False),
        sa.Column("state", sa.Text),
        sa.Column("comment", sa.Text, nullable=False),
        sa.Column("details", sa.Text, nullable=False),
        sa.Column("server_time", sa.BigInteger, nullable=False),
        sa.Column("previous", sa.Text, nullable=False),
        sa.Column("hash", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("entry", name="pk_events"),
        sa.UniqueConstraint("event_id", name="uq_events_event_id"),
        sa.UniqueConstraint("scene_id", "level", "seq", name="uq_events_scene_id_level_seq"),
        comment="everything that happened to tasks and assignments; never changed, never removed",
    )
    op.create_index("ix_events_annotator_server_time", "events", ["annotator", "server_time"])
    dialect = op.get_bind().dialect.name
    for statement in (*triggers.journal(dialect, "events", "event_id"), *queue_triggers.statements(dialect)):
        op.execute(statement)
