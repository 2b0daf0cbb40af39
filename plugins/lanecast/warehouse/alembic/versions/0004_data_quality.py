"""Quarantine replay, source counts, feeds, alerts: body in include/sql/migrations/0004_data_quality/."""

from lanecast.warehouse.alembic import run_body

revision = "0004_data_quality"
down_revision = "0003_following"


def upgrade() -> None:
    run_body(revision, "upgrade")


def downgrade() -> None:
    run_body(revision, "downgrade")
