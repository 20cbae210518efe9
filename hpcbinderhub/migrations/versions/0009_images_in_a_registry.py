"""Which artefacts are in the site's registry as images."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    """Nothing was published before; what is not listed here is published in time."""
    op.create_table(
        "published",
        sa.Column("artefact", sa.String(64), primary_key=True),
        sa.Column("registry", sa.Text, nullable=False),
        sa.Column("digest", sa.String(71)),
        sa.Column("tries", sa.Integer, nullable=False),
        sa.Column("not_before", sa.Float, nullable=False),
        sa.Column("failure", sa.Text),
    )


def downgrade() -> None:
    """Forget it: what is in the registry stays there."""
    op.drop_table("published")
