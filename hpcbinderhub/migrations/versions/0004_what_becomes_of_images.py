"""Pins, the last launch of each image, and the artefacts that workers are to remove."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Note for each image when it was last launched, as far as the launches tell."""
    with op.batch_alter_table("images") as images:
        # An image may be larger than the 2 GiB that other databases than SQLite count up to.
        images.alter_column("size", type_=sa.BigInteger, existing_type=sa.Integer)
        images.add_column(sa.Column("last_launch", sa.Float))
        images.add_column(sa.Column("pinned_by", sa.String(255)))
        images.add_column(sa.Column("pinned_at", sa.Float))
    op.execute(
        "UPDATE images SET last_launch = (SELECT max(launches.created) FROM launches"
        " WHERE launches.artefact = images.artefact)"
    )
    op.create_table(
        "removals",
        sa.Column("artefact", sa.String(64), primary_key=True),
        sa.Column("size", sa.BigInteger, nullable=False),
        sa.Column("since", sa.Float, nullable=False),
    )


def downgrade() -> None:
    """Forget all that."""
    op.drop_table("removals")
    with op.batch_alter_table("images") as images:
        for column in ("pinned_at", "pinned_by", "last_launch"):
            images.drop_column(column)
        images.alter_column("size", type_=sa.Integer, existing_type=sa.BigInteger)
