"""Time at each milestone, what remains, disruptions: body in include/sql/migrations/0007_under_way/."""

from lanecast.warehouse.alembic import run_body

revision = "0007_under_way"
down_revision = "0006_promises"


def upgrade() -> None:
    run_body(revision, "upgrade")


def downgrade() -> None:
    run_body(revision, "downgrade")
