"""Which workspace a launch works in, and what becomes of it if it is there already."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """There was one workspace for each repository, with the server's name."""
    with op.batch_alter_table("launches") as launches:
        launches.add_column(
            sa.Column("workspace", sa.String(64), nullable=False, server_default="")
        )
        launches.add_column(
            sa.Column("existing", sa.String(8), nullable=False, server_default="keep")
        )
    op.execute("UPDATE launches SET workspace = server")


def downgrade() -> None:
    """Forget both."""
    with op.batch_alter_table("launches") as launches:
        launches.drop_column("existing")
        launches.drop_column("workspace")
