"""Launches that run a notebook by themselves."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    """There were none before."""
    with op.batch_alter_table("launches") as launches:
        launches.add_column(sa.Column("run", sa.Text))


def downgrade() -> None:
    """Forget what they ran."""
    with op.batch_alter_table("launches") as launches:
        launches.drop_column("run")
