"""Crews: nodes that a server's notebook has workers on."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    """There were none before."""
    op.create_table(
        "crews",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("launch", sa.String(32), nullable=False),
        sa.Column("user", sa.String(255), nullable=False),
        sa.Column("server", sa.String(64), nullable=False),
        sa.Column("name", sa.String(40), nullable=False),
        sa.Column("profile", sa.String(64), nullable=False),
        sa.Column("form", sa.String(8), nullable=False),
        sa.Column("choices", sa.Text, nullable=False),
        sa.Column("per_node", sa.Integer, nullable=False),
        sa.Column("threads", sa.Integer, nullable=False),
        sa.Column("memory_mb", sa.Integer, nullable=False),
        sa.Column("gpus", sa.Integer, nullable=False),
        sa.Column("wanted_nodes", sa.Integer, nullable=False),
        sa.Column("wanted_workers", sa.Integer, nullable=False),
        sa.Column("keep", sa.Boolean, nullable=False),
        sa.Column("replace", sa.Boolean, nullable=False),
        sa.Column("scheduler", sa.Text),
        sa.Column("keys", sa.Text, nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("why", sa.String(16), nullable=False),
        sa.Column("failure", sa.Text),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("created", sa.Float, nullable=False),
        sa.Column("changed", sa.Float, nullable=False),
    )
    op.create_index(
        "one_open_crew_per_name",
        "crews",
        ["launch", "name"],
        unique=True,
        sqlite_where=sa.text("state = 'open'"),
        postgresql_where=sa.text("state = 'open'"),
    )
    op.create_index("crews_by_state", "crews", ["state", "user"])
    op.create_table(
        "crew_batches",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("crew", sa.String(32), sa.ForeignKey("crews.id"), nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("size", sa.Integer, nullable=False),
        sa.Column("form", sa.String(8), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("job", sa.String(20), nullable=False),
        sa.Column("ticket_digest", sa.String(64), nullable=False),
        sa.Column("directory", sa.Text, nullable=False),
        sa.Column("intended", sa.Float, nullable=False),
    )
    op.create_index("batches_by_crew", "crew_batches", ["crew", "number"])
    op.create_table(
        "crew_nodes",
        sa.Column("batch", sa.String(32), sa.ForeignKey("crew_batches.id"), primary_key=True),
        sa.Column("task", sa.Integer, primary_key=True),
        sa.Column("workers", sa.Integer, nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("node", sa.Text, nullable=False),
        sa.Column("words", sa.Text, nullable=False),
        sa.Column("expected_start", sa.Float, nullable=False),
        sa.Column("started", sa.Float, nullable=False),
        sa.Column("ends", sa.Float, nullable=False),
        sa.Column("claimant", sa.String(64), nullable=False),
        sa.Column("claimed_run", sa.Float, nullable=False),
        sa.Column("dropped", sa.Boolean, nullable=False),
        sa.Column("cancelled", sa.Boolean, nullable=False),
        sa.Column("lost", sa.Boolean, nullable=False),
    )


def downgrade() -> None:
    """Forget them."""
    for table in ("crew_nodes", "crew_batches", "crews"):
        op.drop_table(table)
