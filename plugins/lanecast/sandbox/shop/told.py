"""How shops write money, times and carriers."""

from __future__ import annotations

from datetime import UTC, datetime

from lanecast.sandbox.shop.orders import Order, Parcel

_COMPANIES = {"ups": "UPS", "fedex": "FedEx", "usps": "USPS"}
_DHL = {"express": "DHL Express", "ecommerce": "DHL eCommerce"}
_PROVIDERS = {"ups": "ups", "fedex": "fedex", "usps": "usps", "dhl": "dhl-us"}


def time_text(instant: int) -> str:
    """A time as 2026-05-20T12:00:00Z."""
    return datetime.fromtimestamp(instant, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def naive_text(instant: int) -> str:
    """A time in UTC, as 2026-05-20T12:00:00."""
    return time_text(instant)[:-1]


def money(hundredths: int) -> str:
    """An amount with two decimals."""
    return f"{hundredths // 100}.{hundredths % 100:02d}"


def company(parcel: Parcel) -> str:
    """The carrier as Shopify names it."""
    if parcel.carrier == "dhl":
        return _DHL.get(parcel.service_code, "DHL")
    return _COMPANIES.get(parcel.carrier) or _title(parcel.carrier)


def provider(parcel: Parcel) -> tuple[str, str]:
    """The carrier as WooCommerce's Shipment Tracking keeps it: its slug, or for one it does not know, a free name."""
    slug = _PROVIDERS.get(parcel.carrier, "")
    return slug, "" if slug else _title(parcel.carrier)


def total(order: Order, at: int | None = None) -> int:
    """What an order's lines cost in hundredths; at a time, what is left of them then."""
    return sum(
        line.price * (line.quantity if at is None else order.quantity_left(place, at))
        for place, line in enumerate(order.lines)
    )


def _title(carrier: str) -> str:
    from lanecast.carriers import registry

    return registry.row(carrier).title if carrier in registry.names() else carrier
