"""The first tables.

Written out rather than taken from `tables.py`, which will go on changing while this step must not.
"""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make the tables."""
    _builds()
    op.create_table(
        "images",
        sa.Column("key", sa.String(64), primary_key=True),
        sa.Column("artefact", sa.String(64), nullable=False),
        sa.Column("size", sa.Integer, nullable=False),
        sa.Column("build", sa.String(32), sa.ForeignKey("builds.id"), nullable=False),
        sa.Column("made", sa.Float, nullable=False),
    )
    _launches()
    op.create_table(
        "events",
        sa.Column("stream", sa.String(48), primary_key=True),
        sa.Column("number", sa.Integer, primary_key=True),
        sa.Column("at", sa.Float, nullable=False),
        sa.Column("phase", sa.String(16), nullable=False),
        sa.Column("message", sa.Text, nullable=False),
        sa.Column("data", sa.Text),
    )


def downgrade() -> None:
    """Remove them."""
    for table in ("events", "launches", "images", "builds"):
        op.drop_table(table)


def _builds() -> None:
    op.create_table(
        "builds",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("key", sa.String(64), nullable=False),
        sa.Column("repo_url", sa.Text, nullable=False),
        sa.Column("ref", sa.Text, nullable=False),
        sa.Column("commit", sa.String(40), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("attempt", sa.Integer, nullable=False),
        sa.Column("worker", sa.String(64)),
        sa.Column("lease_until", sa.Float),
        sa.Column("created", sa.Float, nullable=False),
        sa.Column("finished", sa.Float),
        sa.Column("failure", sa.Text),
    )
    live = sa.text("state IN ('queued', 'running')")
    op.create_index(
        "one_live_build_per_key",
        "builds",
        ["key"],
        unique=True,
        sqlite_where=live,
        postgresql_where=live,
    )
    op.create_index("builds_by_state", "builds", ["state", "created"])


def _launches() -> None:
    op.create_table(
        "launches",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("user", sa.String(255), nullable=False),
        sa.Column("server", sa.String(64), nullable=False),
        sa.Column("spec", sa.Text, nullable=False),
        sa.Column("repo_url", sa.Text, nullable=False),
        sa.Column("ref", sa.Text, nullable=False),
        sa.Column("commit", sa.String(40)),
        sa.Column("profile", sa.String(64), nullable=False),
        sa.Column("account", sa.String(64)),
        sa.Column("minutes", sa.Integer),
        sa.Column("nodes", sa.Integer),
        sa.Column("gpus", sa.Integer),
        sa.Column("open", sa.Text, nullable=False),
        sa.Column("start_when_ready", sa.Boolean, nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("build", sa.String(32)),
        sa.Column("artefact", sa.String(64)),
        sa.Column("url", sa.Text),
        sa.Column("failure", sa.Text),
        sa.Column("created", sa.Float, nullable=False),
        sa.Column("changed", sa.Float, nullable=False),
    )
    op.create_index("launches_by_user", "launches", ["user", "created"])
    op.create_index("launches_by_state", "launches", ["state"])
