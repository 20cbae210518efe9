"""What the environment of a build is made of, and builds that are held to such a record."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Builds of before have no record: nobody looked into their images."""
    op.create_table(
        "bills",
        sa.Column("build", sa.String(32), sa.ForeignKey("builds.id"), primary_key=True),
        sa.Column("artefact", sa.String(64), nullable=False),
        sa.Column("bill", sa.LargeBinary, nullable=False),
    )
    op.create_index("bills_by_artefact", "bills", ["artefact"])
    with op.batch_alter_table("builds") as builds:
        builds.add_column(sa.Column("locked_to", sa.String(32)))


def downgrade() -> None:
    """Forget both."""
    with op.batch_alter_table("builds") as builds:
        builds.drop_column("locked_to")
    op.drop_table("bills")
