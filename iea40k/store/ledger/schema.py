"""The ledger's tables, as SQLAlchemy Core describes them; `migrations/` makes them, and the triggers, in a database.

Every row of a *journal* (`corrections`, `zone_edits`) is written once. Its `entry` number comes from one counter that
all journals share, in the order of commits and without gaps: "the ledger up to entry N" means the same rows for ever.
Within an image, `seq` counts from 1 and `hash` covers the whole row and the hash before it.

Times are whole microseconds since 1970-01-01 UTC. Boxes are rows and columns from the top left corner.
"""

import sqlalchemy as sa

BigId = sa.BigInteger().with_variant(sa.Integer, "sqlite")
"""64-bit key on both databases: SQLite's INTEGER is 64 bits wide and the only type of its row id."""

metadata = sa.MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
    }
)

properties = sa.Table(
    "properties",
    metadata,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("value", sa.Text, nullable=False),
    comment="facts about this ledger: its id, when it was made",
)

counter = sa.Table(
    "counter",
    metadata,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("value", sa.BigInteger, nullable=False),
    comment="the last entry number given out; the cursor of a release is this value",
)

heads = sa.Table(
    "heads",
    metadata,
    sa.Column("journal", sa.Text, primary_key=True),
    sa.Column("scene_id", sa.Text, primary_key=True),
    sa.Column("level", sa.Text, primary_key=True),
    sa.Column("seq", sa.BigInteger, nullable=False),
    sa.Column("hash", sa.Text, nullable=False),
    comment="the last link of each image's chain, kept by triggers; shows rows cut off the end",
)


def _journal_columns() -> list[sa.Column[object]]:
    return [
        sa.Column("entry", BigId, primary_key=True, autoincrement=False),
        sa.Column("scene_id", sa.Text, nullable=False),
        sa.Column("level", sa.Text, nullable=False),
        sa.Column("seq", sa.BigInteger, nullable=False),
        sa.Column("annotator", sa.Text, nullable=False),
        sa.Column("lane", sa.Text, nullable=False),
        sa.Column("stroke_id", sa.Text, nullable=False, unique=True),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("image_height", sa.Integer, nullable=False),
        sa.Column("image_width", sa.Integer, nullable=False),
        sa.Column("top", sa.Integer),
        sa.Column("left", sa.Integer),
        sa.Column("height", sa.Integer),
        sa.Column("width", sa.Integer),
        sa.Column("pixels", sa.Integer, nullable=False),
        sa.Column("base_digest", sa.Text, nullable=False),
        sa.Column("undoes", sa.Text),
        sa.Column("supersedes", sa.Text),
        sa.Column("tool", sa.Text, nullable=False),
        sa.Column("token", sa.BigInteger),
        sa.Column("client_time", sa.BigInteger, nullable=False),
        sa.Column("server_time", sa.BigInteger, nullable=False),
    ]


def _chain_columns() -> list[sa.Column[object]]:
    return [
        sa.Column("previous", sa.Text, nullable=False),
        sa.Column("hash", sa.Text, nullable=False),
    ]


corrections = sa.Table(
    "corrections",
    metadata,
    *_journal_columns(),
    sa.Column("mask", sa.LargeBinary),
    sa.Column("old_codes", sa.LargeBinary),
    sa.Column("new_codes", sa.LargeBinary),
    *_chain_columns(),
    sa.UniqueConstraint("scene_id", "level", "seq"),
    sa.Index(None, "annotator", "server_time"),
    comment="one row a stroke on a residual; never changed, never removed",
)
sa.Index(
    "ix_corrections_unqueued",
    corrections.c.scene_id,
    corrections.c.level,
    corrections.c.annotator,
    sqlite_where=corrections.c.token.is_(None),
    postgresql_where=corrections.c.token.is_(None),
)

zone_edits = sa.Table(
    "zone_edits",
    metadata,
    *_journal_columns(),
    sa.Column("weights", sa.LargeBinary),
    sa.Column("old_zone", sa.Integer),
    sa.Column("new_zone", sa.Integer),
    *_chain_columns(),
    sa.UniqueConstraint("scene_id", "level", "seq"),
    sa.Index(None, "annotator", "server_time"),
    comment="one row a block set to a zone in a reference; zones in 1/256 stop; level is 'reference'",
)

annotators = sa.Table(
    "annotators",
    metadata,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("login", sa.Text, unique=True),
    sa.Column("active", sa.Boolean, nullable=False),
    comment="people, and on PostgreSQL the role each logs in as",
)

tasks = sa.Table(
    "tasks",
    metadata,
    sa.Column("task", BigId, primary_key=True, autoincrement=True),
    sa.Column("scene_id", sa.Text, nullable=False),
    sa.Column("level", sa.Text, nullable=False),
    sa.Column("purpose", sa.Text, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("priority", sa.Double, nullable=False),
    sa.Column("slots", sa.Integer, nullable=False),
    sa.Column("free", sa.Integer, nullable=False),
    sa.Column("note", sa.Text, nullable=False),
    sa.Column("created", sa.BigInteger, nullable=False),
    sa.UniqueConstraint("scene_id", "level", "purpose"),
    comment="images that want work, by how many people; `free` is kept by triggers",
)
sa.Index(
    "ix_tasks_open",
    tasks.c.priority.desc(),
    tasks.c.task,
    sqlite_where=tasks.c.free > 0,
    postgresql_where=tasks.c.free > 0,
)

assignments = sa.Table(
    "assignments",
    metadata,
    sa.Column("assignment", BigId, primary_key=True, autoincrement=True),
    sa.Column("task", sa.BigInteger, sa.ForeignKey("tasks.task"), nullable=False),
    sa.Column("annotator", sa.Text, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("token", sa.BigInteger),
    sa.Column("expires", sa.BigInteger),
    sa.Column("comment", sa.Text, nullable=False),
    sa.UniqueConstraint("task", "annotator"),
    sa.Index(None, "annotator", "state"),
    sa.Index(None, "state", "expires"),
    comment="one person's work on one task, as it stands; how it came there is in `events`",
)

events = sa.Table(
    "events",
    metadata,
    sa.Column("entry", BigId, primary_key=True, autoincrement=False),
    sa.Column("scene_id", sa.Text, nullable=False),
    sa.Column("level", sa.Text, nullable=False),
    sa.Column("seq", sa.BigInteger, nullable=False),
    sa.Column("event_id", sa.Text, nullable=False, unique=True),
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
    *_chain_columns(),
    sa.UniqueConstraint("scene_id", "level", "seq"),
    sa.Index(None, "annotator", "server_time"),
    comment="everything that happened to tasks and assignments; never changed, never removed",
)

JOURNALS = (corrections, zone_edits, events)
