"""Sources, the polling plan's curves, clocks that disagree: body in include/sql/migrations/0003_following/."""

from lanecast.warehouse.alembic import run_body

revision = "0003_following"
down_revision = "0002_carriers"


def upgrade() -> None:
    run_body(revision, "upgrade")


def downgrade() -> None:
    run_body(revision, "downgrade")
