"""Schemas and tables: body in include/sql/migrations/0001_foundation/."""

from lanecast.warehouse.alembic import run_body

revision = "0001_foundation"
down_revision = None


def upgrade() -> None:
    run_body(revision, "upgrade")


def downgrade() -> None:
    run_body(revision, "downgrade")
