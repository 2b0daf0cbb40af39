"""Promises as issued, and how they were kept: body in include/sql/migrations/0006_promises/."""

from lanecast.warehouse.alembic import run_body

revision = "0006_promises"
down_revision = "0005_life_table"


def upgrade() -> None:
    run_body(revision, "upgrade")


def downgrade() -> None:
    run_body(revision, "downgrade")
