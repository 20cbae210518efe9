"""What else of a profile's offer a launch has chosen."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"

NUMBERS = ("cpus", "memory_mb")
NAMES = ("gpu_type", "partition", "qos", "constraint", "reservation")


def upgrade() -> None:
    """Nothing was chosen before: profiles decided."""
    with op.batch_alter_table("launches") as launches:
        for name in NUMBERS:
            launches.add_column(sa.Column(name, sa.Integer))
        for name in NAMES:
            launches.add_column(sa.Column(name, sa.String(64)))


def downgrade() -> None:
    """Forget it."""
    with op.batch_alter_table("launches") as launches:
        for name in (*NAMES, *NUMBERS):
            launches.drop_column(name)
