"""How far a launch reaches into its user's files, and which repositories she lets see her home."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """What was launched before saw no home where the engine could hide it."""
    reach = sa.Column("reach", sa.String(16), nullable=False, server_default="closed")
    op.add_column("launches", reach)
    op.create_table(
        "consents",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("user", sa.String(255), nullable=False),
        sa.Column("repository", sa.Text, nullable=False),
        sa.Column("granted", sa.Float, nullable=False),
    )
    op.create_index("one_consent_per_repository", "consents", ["user", "repository"], unique=True)


def downgrade() -> None:
    """Nobody's home is seen again."""
    op.drop_table("consents")
    op.drop_column("launches", "reach")
