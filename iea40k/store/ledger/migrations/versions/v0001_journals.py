"""The journals: corrections and zone edits, their counter and their chains."""

import sqlalchemy as sa
from alembic import op

from iea40k.store.ledger.migrations import triggers

revision = "0001"
down_revision = None

_BIG_ID = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    """Make the tables and their triggers."""
    op.create_table(
        "properties",
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("value", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_properties"),
        comment="facts about this ledger: its id, when it was made",
    )
    counter = op.create_table(
        "counter",
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("value", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_counter"),
        comment="the last entry number given out; the cursor of a release is this value",
    )
    op.bulk_insert(counter, [{"name": "entry", "value": 0}])
    op.create_table(
        "heads",
        sa.Column("journal", sa.Text, nullable=False),
        sa.Column("scene_id", sa.Text, nullable=False),
        sa.Column("level", sa.Text, nullable=False),
        sa.Column("seq", sa.BigInteger, nullable=False),
        sa.Column("hash", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("journal", "scene_id", "level", name="pk_heads"),
        comment="the last link of each image's chain, kept by triggers; shows rows cut off the end",
    )
    for statement in triggers.functions(op.get_bind().dialect.name):
        op.execute(statement)
    _journal(
        "corrections",
        "one row a stroke on a residual; never changed, never removed",
        sa.Column("mask", sa.LargeBinary),
        sa.Column("old_codes", sa.LargeBinary),
        sa.Column("new_codes", sa.LargeBinary),
    )
    op.create_index(
        "ix_corrections_unqueued",
        "corrections",
        ["scene_id", "level", "annotator"],
        sqlite_where=sa.text("token IS NULL"),
        postgresql_where=sa.text("token IS NULL"),
    )
    _journal(
        "zone_edits",
        "one row a block set to a zone in a reference; zones in 1/256 stop; level is 'reference'",
        sa.Column("weights", sa.LargeBinary),
        sa.Column("old_zone", sa.Integer),
        sa.Column("new_zone", sa.Integer),
    )


def _journal(table: str, comment: str, *payload: sa.Column[object]) -> None:
    op.create_table(
        table,
        sa.Column("entry", _BIG_ID, nullable=False, autoincrement=False),
        sa.Column("scene_id", sa.Text, nullable=False),
        sa.Column("level", sa.Text, nullable=False),
        sa.Column("seq", sa.BigInteger, nullable=False),
        sa.Column("annotator", sa.Text, nullable=False),
        sa.Column("lane", sa.Text, nullable=False),
        sa.Column("stroke_id", sa.Text, nullable=False),
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
        *payload,
        sa.Column("previous", sa.Text, nullable=False),
        sa.Column("hash", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("entry", name=f"pk_{table}"),
        sa.UniqueConstraint("stroke_id", name=f"uq_{table}_stroke_id"),
        sa.UniqueConstraint("scene_id", "level", "seq", name=f"uq_{table}_scene_id_level_seq"),
        comment=comment,
    )
    op.create_index(f"ix_{table}_annotator_server_time", table, ["annotator", "server_time"])
    for statement in triggers.journal(op.get_bind().dialect.name, table):
        op.execute(statement)
