"""Recommendations, and how each model did: body in include/sql/migrations/0011_recommendations/."""

from lanecast.warehouse.alembic import run_body

revision = "0011_recommendations"
down_revision = "0010_storefront_sources"


def upgrade() -> None:
    run_body(revision, "upgrade")


def downgrade() -> None:
    run_body(revision, "downgrade")
