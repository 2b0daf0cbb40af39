"""What was read from each storefront: body in include/sql/migrations/0010_storefront_sources/."""

from lanecast.warehouse.alembic import run_body

revision = "0010_storefront_sources"
down_revision = "0009_storefront"


def upgrade() -> None:
    run_body(revision, "upgrade")


def downgrade() -> None:
    run_body(revision, "downgrade")
