"""Private repositories: users' credentials, and whose a build or a launch is."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """What was built and launched before was public."""
    op.create_table(
        "credentials",
        sa.Column("user", sa.String(255), primary_key=True),
        sa.Column("host", sa.String(260), primary_key=True),
        sa.Column("secret", sa.Text, nullable=False),
        sa.Column("created", sa.Float, nullable=False),
        sa.Column("used", sa.Float),
    )
    op.add_column("builds", sa.Column("reader", sa.String(255)))
    op.add_column("builds", sa.Column("reader_uid", sa.Integer))
    private = sa.Column("private", sa.Boolean, nullable=False, server_default=sa.false())
    op.add_column("launches", private)


def downgrade() -> None:
    """Remove them."""
    op.drop_column("launches", "private")
    op.drop_column("builds", "reader_uid")
    op.drop_column("builds", "reader")
    op.drop_table("credentials")
