"""Turns in the queue, logs that are packed away, and what an admin has said."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

INDEXES: dict[str, list[str]] = {
    "builds_to_claim": ["state", "priority", "turn", "created"],
    "builds_by_asker": ["asker", "state", "turn"],
    "builds_by_repository": ["repo_url", "state"],
}


def new_columns() -> list[sa.Column[object]]:
    """What a build's row gets; each call makes them anew, since a column has one table."""
    return [
        sa.Column("asker", sa.String(255), nullable=False, server_default=""),
        sa.Column("priority", sa.Integer, nullable=False, server_default="0"),
        sa.Column("turn", sa.Integer, nullable=False, server_default="0"),
        sa.Column("not_before", sa.Float, nullable=False, server_default="0"),
        sa.Column("started", sa.Float),
    ]


def upgrade() -> None:
    """Add them."""
    for column in new_columns():
        op.add_column("builds", column)
    for name, columns in INDEXES.items():
        op.create_index(name, "builds", columns)
    op.create_table(
        "kept_logs",
        sa.Column("stream", sa.String(48), primary_key=True),
        sa.Column("kept", sa.Float, nullable=False),
        sa.Column("events", sa.LargeBinary, nullable=False),
    )
    op.create_index("kept_logs_by_age", "kept_logs", ["kept"])
    op.create_table(
        "notices",
        sa.Column("name", sa.String(32), primary_key=True),
        sa.Column("message", sa.Text, nullable=False),
        sa.Column("by", sa.String(255), nullable=False),
        sa.Column("at", sa.Float, nullable=False),
    )


def downgrade() -> None:
    """Take them away; a log that is packed is lost."""
    op.drop_table("notices")
    op.drop_table("kept_logs")
    for name in INDEXES:
        op.drop_index(name, "builds")
    with op.batch_alter_table("builds") as builds:
        for column in new_columns():
            builds.drop_column(column.name)
