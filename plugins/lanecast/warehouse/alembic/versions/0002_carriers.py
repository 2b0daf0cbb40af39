"""Accounts and their budgets of calls: body in include/sql/migrations/0002_carriers/."""

from lanecast.warehouse.alembic import run_body

revision = "0002_carriers"
down_revision = "0001_foundation"


def upgrade() -> None:
    run_body(revision, "upgrade")


def downgrade() -> None:
    run_body(revision, "downgrade")
