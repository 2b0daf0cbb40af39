"""Storefronts: customers, products, orders, behaviour: body in include/sql/migrations/0009_storefront/."""

from lanecast.warehouse.alembic import run_body

revision = "0009_storefront"
down_revision = "0008_delivery_model"


def upgrade() -> None:
    run_body(revision, "upgrade")


def downgrade() -> None:
    run_body(revision, "downgrade")
