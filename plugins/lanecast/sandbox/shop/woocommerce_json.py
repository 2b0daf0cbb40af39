"""Orders, refunds and products as WooCommerce's JSON."""

from __future__ import annotations

from typing import Any

from lanecast.sandbox.shop.catalogue import Product
from lanecast.sandbox.shop.customers import customer_id, person
from lanecast.sandbox.shop.orders import Order, Refund
from lanecast.sandbox.shop.storefronts import Storefronts
from lanecast.sandbox.shop.told import money, naive_text, provider, total


class Json:
    """What one shop tells, as it stands at the moment."""

    def __init__(self, shop: Storefronts) -> None:
        """`shop` tells the moment."""
        self._shop = shop
        self._categories = {name: 40 + n for n, name in enumerate(shop.world.description.shop.categories)}

    def status(self, order: Order) -> str:
        """An order's status, in WooCommerce's words."""
        now = self._shop.now()
        if order.is_trashed(now):
            return "trash"
        if order.is_cancelled(now):
            return "cancelled"
        if order.is_refunded(now):
            return "refunded"
        return "completed" if order.is_shipped(now) else "processing"

    def order(self, order: Order) -> dict[str, Any]:
        """An order, personal data included."""
        now = self._shop.now()
        shipped = naive_text(order.parcel.shipped_at) if order.parcel and order.is_shipped(now) else None
        known = person(order.customer, order.order_id)
        address = {
            "first_name": known.first_name,
            "last_name": known.last_name,
            "company": "",
            "address_1": f"{order.id % 900 + 1} Example Street",
            "address_2": "",
            "city": order.place.city,
            "state": order.place.region,
            "postcode": order.place.postal_code,
            "country": order.place.country,
        }
        created, modified = naive_text(order.ordered_at), naive_text(order.changed_at(now))
        return {
            "id": order.id,
            "parent_id": 0,
            "status": self.status(order),
            "currency": self._shop.world.description.shop.currency,
            "version": "10.0.0",
            "date_created": created,
            "date_created_gmt": created,
            "date_modified": modified,
            "date_modified_gmt": modified,
            "date_paid": created,
            "date_paid_gmt": created,
            "date_completed": shipped,
            "date_completed_gmt": shipped,
            "total": money(total(order)),
            "customer_id": 0 if order.customer is None else customer_id(order.customer),
            "customer_ip_address": f"192.0.2.{order.id % 250 + 1}",
            "customer_note": "",
            "number": order.order_id,
            "billing": address | {"email": known.email, "phone": known.phone},
            "shipping": address | {"phone": known.phone},
            "meta_data": self._meta(order, now),
            "line_items": [
                self._line(order, place)
                for place, line in enumerate(order.lines)
                if line.removed_at is None or line.removed_at > now
            ],
            "refunds": [
                {"id": refund.id, "reason": "", "total": f"-{money(self._amount(order, refund))}"}
                for refund in reversed(order.refunds_at(now))
            ],
        }

    def _meta(self, order: Order, now: int) -> list[dict[str, Any]]:
        """What plugins keep with an order: parcels, and a note that names the customer."""
        found: list[dict[str, Any]] = []
        if any(at <= now for at in order.edited_at):
            known = person(order.customer, order.order_id)
            note = f"Ring at {known.first_name} {known.last_name}"
            found.append({"id": order.part_id(91), "key": "_delivery_note", "value": note})
        if order.parcel is not None and order.is_shipped(now):
            slug, name = provider(order.parcel)
            item = {
                "tracking_provider": slug,
                "custom_tracking_provider": name,
                "custom_tracking_link": "",
                "tracking_number": order.parcel.number,
                "date_shipped": str(order.parcel.shipped_at),
                "tracking_id": f"{order.part_id(90):032x}",
            }
            found.append({"id": order.part_id(92), "key": "_wc_shipment_tracking_items", "value": [item]})
        return found

    def _line(self, order: Order, place: int) -> dict[str, Any]:
        line = order.lines[place]
        product = self._shop.product(line.product)
        listed = product.is_listed(self._shop.now())
        return {
            "id": line.id,
            "name": product.title,
            "product_id": product.id if listed else 0,
            "variation_id": 0,
            "quantity": line.quantity,
            "tax_class": "",
            "subtotal": money(line.price * line.quantity),
            "total": money(line.price * line.quantity),
            "taxes": [],
            "meta_data": [],
            "sku": product.sku if listed else None,
            "price": line.price / 100,
        }

    def _amount(self, order: Order, refund: Refund) -> int:
        return sum(order.lines[place].price * quantity for place, quantity in refund.lines)

    def refund(self, order: Order, refund: Refund) -> dict[str, Any]:
        """A refund, its lines with negative quantities."""
        lines = []
        for number, (place, quantity) in enumerate(refund.lines):
            line = self._line(order, place)
            back = f"-{money(order.lines[place].price * quantity)}"
            refunded = {"id": refund.id * 10 + number, "key": "_refunded_item_id", "value": str(line["id"])}
            lines.append(
                line
                | {"id": refund.id * 10 + number, "quantity": -quantity, "subtotal": back, "total": back}
                | {"meta_data": [refunded]}
            )
        at = naive_text(refund.at)
        return {
            "id": refund.id,
            "parent_id": order.id,
            "date_created": at,
            "date_created_gmt": at,
            "amount": money(self._amount(order, refund)),
            "reason": "",
            "refunded_by": 1,
            "refunded_payment": True,
            "meta_data": [],
            "line_items": lines,
        }

    def product(self, changed_at: int, product: Product) -> dict[str, Any]:
        """A product, last changed at a time."""
        stock = product.stock(self._shop.now())
        created, modified = naive_text(product.published_at), naive_text(changed_at)
        return {
            "id": product.id,
            "name": product.title,
            "slug": product.title.replace(", ", "-").replace(" ", "-"),
            "date_created": created,
            "date_created_gmt": created,
            "date_modified": modified,
            "date_modified_gmt": modified,
            "type": "simple",
            "status": "publish",
            "catalog_visibility": "visible",
            "sku": product.sku,
            "price": money(product.price),
            "regular_price": money(product.price),
            "purchasable": True,
            "manage_stock": True,
            "stock_quantity": stock,
            "stock_status": "instock" if stock else "outofstock",
            "categories": [
                {"id": self._categories[product.category], "name": product.category, "slug": product.category}
            ],
        }
