"""A shop's orders and products as Shopify's GraphQL objects. A field is worked out when it is asked for."""

from __future__ import annotations

from functools import cached_property
from typing import Any

from lanecast.sandbox.shop.catalogue import Product
from lanecast.sandbox.shop.customers import customer_id, person
from lanecast.sandbox.shop.orders import Line, Order, Refund
from lanecast.sandbox.shop.shopify_pages import Connection, connection, gid
from lanecast.sandbox.shop.storefronts import Storefronts
from lanecast.sandbox.shop.told import company, money, time_text, total

_Nothing: Any = None


class Bag:
    """An amount of money, in hundredths."""

    def __init__(self, hundredths: int, currency: str) -> None:
        """Shop and customer use the same currency."""
        self.shopMoney = self.presentmentMoney = {"amount": money(hundredths), "currencyCode": currency}


class OrderNode:
    """An order as it stands at a moment."""

    type_name = "Order"
    test = False
    cancelReason = closedAt = note = _Nothing

    def __init__(self, order: Order, shop: Storefronts) -> None:
        """`shop` tells the moment."""
        self._order = order
        self._shop = shop
        self._now = shop.now()
        self.id = gid("Order", order.id)
        self.legacyResourceId = str(order.id)
        self.name = f"#{order.order_id}"
        self.createdAt = self.processedAt = time_text(order.ordered_at)
        self.currencyCode = self.presentmentCurrencyCode = shop.world.description.shop.currency

    @cached_property
    def updatedAt(self) -> str:
        return time_text(self._order.changed_at(self._now))

    @cached_property
    def cancelledAt(self) -> str | None:
        at = self._order.cancelled_at
        return time_text(at) if at is not None and at <= self._now else None

    @cached_property
    def edited(self) -> bool:
        return any(line.removed_at is not None and line.removed_at <= self._now for line in self._order.lines)

    @cached_property
    def displayFinancialStatus(self) -> str:
        if self._order.is_cancelled(self._now):
            return "VOIDED"
        if self._order.is_refunded(self._now):
            return "REFUNDED"
        return "PARTIALLY_REFUNDED" if self._order.refunds_at(self._now) else "PAID"

    @cached_property
    def displayFulfillmentStatus(self) -> str:
        return "FULFILLED" if self._order.is_shipped(self._now) else "UNFULFILLED"

    @cached_property
    def email(self) -> str:
        return person(self._order.customer, self._order.order_id).email

    @cached_property
    def phone(self) -> str:
        return person(self._order.customer, self._order.order_id).phone

    @cached_property
    def customer(self) -> dict[str, Any] | None:
        number = self._order.customer
        if number is None:
            return None
        known = person(number, "")
        return {
            "id": gid("Customer", customer_id(number)),
            "legacyResourceId": str(customer_id(number)),
            "displayName": f"{known.first_name} {known.last_name}",
            "firstName": known.first_name,
            "lastName": known.last_name,
            "defaultEmailAddress": {"emailAddress": known.email},
            "defaultPhoneNumber": {"phoneNumber": known.phone},
            "defaultAddress": self.shippingAddress,
        }

    @cached_property
    def shippingAddress(self) -> dict[str, Any]:
        order, place = self._order, self._order.place
        known = person(order.customer, order.order_id)
        return {
            "id": gid("MailingAddress", order.id),
            "firstName": known.first_name,
            "lastName": known.last_name,
            "name": f"{known.first_name} {known.last_name}",
            "company": None,
            "address1": f"{order.id % 900 + 1} Example Street",
            "address2": None,
            "city": place.city,
            "zip": place.postal_code,
            "province": place.region,
            "provinceCode": place.region,
            "country": place.country_name,
            "countryCodeV2": place.country,
            "phone": known.phone,
        }

    @cached_property
    def billingAddress(self) -> dict[str, Any]:
        return self.shippingAddress

    @cached_property
    def totalPriceSet(self) -> Bag:
        return Bag(total(self._order), self.currencyCode)

    @cached_property
    def currentTotalPriceSet(self) -> Bag:
        return Bag(total(self._order, self._now), self.currencyCode)

    @cached_property
    def lines(self) -> list[LineNode]:
        return [LineNode(self._order, place, self._shop) for place in range(len(self._order.lines))]

    def lineItems(self, _info: object, first: int | None = None, after: str | None = None) -> Connection:
        return connection(self.lines, first, after)

    def refunds(self, _info: object, first: int | None = None) -> list[RefundNode]:
        return [RefundNode(self, refund, self.currencyCode) for refund in self._order.refunds_at(self._now)][:first]

    def fulfillments(self, _info: object, first: int | None = None) -> list[dict[str, Any]]:
        order, parcel = self._order, self._order.parcel
        if parcel is None or not order.is_shipped(self._now):
            return []
        number, at = order.part_id(90), time_text(parcel.shipped_at)
        arrived = parcel.delivered_at is not None and parcel.delivered_at <= self._now
        told = {
            "id": gid("Fulfillment", number),
            "legacyResourceId": str(number),
            "name": f"{self.name}-F1",
            "createdAt": at,
            "updatedAt": at,
            "status": "SUCCESS",
            "deliveredAt": time_text(parcel.delivered_at) if arrived and parcel.delivered_at is not None else None,
            "trackingInfo": lambda _info, first=None: [{"company": company(parcel), "number": parcel.number}][:first],
        }
        return [told][:first]


class LineNode:
    """A line of an order. Its product is None once the shop has deleted it."""

    type_name = "LineItem"
    isGiftCard = False
    requiresShipping = True
    vendor = "Sandbox"
    variantTitle = _Nothing

    def __init__(self, order: Order, place: int, shop: Storefronts) -> None:
        """`place` from 0."""
        line: Line = order.lines[place]
        now, currency = shop.now(), shop.world.description.shop.currency
        product = shop.product(line.product)
        listed = product.is_listed(now)
        left = 0 if order.is_cancelled(now) else order.quantity_left(place, now)
        self.id = gid("LineItem", line.id)
        self.title = self.name = product.title
        self.sku = product.sku
        self.quantity = line.quantity
        self.currentQuantity = self.refundableQuantity = left
        # Each third line was sold at a discount on the whole order.
        self.originalUnitPriceSet = self.discountedUnitPriceSet = Bag(
            line.price * (10 if line.id % 3 else 11) // 10, currency
        )
        self.discountedUnitPriceAfterAllDiscountsSet = Bag(line.price, currency)
        self.product = ProductNode(product, shop) if listed else None
        self.variant = self.product.variant if self.product else None
        self.price = line.price


class RefundNode:
    """A refund with its lines."""

    type_name = "Refund"
    note = _Nothing

    def __init__(self, order: OrderNode, refund: Refund, currency: str) -> None:
        """Of an order as it stands."""
        self._order = order
        self._refund = refund
        self._currency = currency
        self.id = gid("Refund", refund.id)
        self.legacyResourceId = str(refund.id)
        self.createdAt = self.updatedAt = time_text(refund.at)

    @cached_property
    def totalRefundedSet(self) -> Bag:
        lines = self._order.lines
        return Bag(sum(lines[place].price * quantity for place, quantity in self._refund.lines), self._currency)

    def refundLineItems(self, _info: object, first: int | None = None, after: str | None = None) -> Connection:
        lines = self._order.lines
        told = [
            {
                "id": gid("RefundLineItem", self._refund.id * 10 + number),
                "lineItem": lines[place],
                "quantity": quantity,
                "priceSet": Bag(lines[place].price, self._currency),
                "subtotalSet": Bag(lines[place].price * quantity, self._currency),
            }
            for number, (place, quantity) in enumerate(self._refund.lines)
        ]
        return connection(told, first, after)


class ProductNode:
    """A product as it stands at a moment."""

    type_name = "Product"
    vendor = "Sandbox"
    status = "ACTIVE"
    tracksInventory = True
    tags: tuple[str, ...] = ()

    def __init__(self, product: Product, shop: Storefronts) -> None:
        """`shop` tells the moment."""
        now = shop.now()
        self.id = gid("Product", product.id)
        self.legacyResourceId = str(product.id)
        self.title = product.title
        self.handle = product.title.replace(", ", "-").replace(" ", "-")
        self.productType = product.category
        self.createdAt = self.publishedAt = time_text(product.published_at)
        self.updatedAt = time_text(product.changed_at(now))
        self.totalInventory = product.stock(now)
        price = {"amount": money(product.price), "currencyCode": shop.world.description.shop.currency}
        self.priceRangeV2 = {"minVariantPrice": price, "maxVariantPrice": price}
        self.variantsCount = {"count": 1, "precision": "EXACT"}
        self._product = product

    @property
    def variant(self) -> dict[str, Any]:
        """Its only variant."""
        return {
            "id": gid("ProductVariant", self._product.id * 10),
            "title": "Default Title",
            "sku": self._product.sku,
            "price": money(self._product.price),
            "inventoryQuantity": self.totalInventory,
            "availableForSale": self.totalInventory > 0,
            "product": self,
        }

    def variants(self, _info: object, first: int | None = None, after: str | None = None) -> Connection:
        return connection([self.variant], first, after)
