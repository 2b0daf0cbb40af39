"""The defect catalogue: a clean world as files, and what goes wrong in them, each with the rule meant for it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

Record = dict[str, str]
Change = Callable[[list[Record]], None]
AS_OF = datetime(2026, 6, 1, 12, 0, tzinfo=UTC)
CHINA, BRAZIL = timedelta(hours=8), timedelta(hours=-3)

_SCANS = (
    ("info_received", 0, "CN", "CN-GD", "Shenzhen", "Shipment information received"),
    ("picked_up", 20, "CN", "CN-GD", "Shenzhen", "Picked up by the courier"),
    ("hub_arrived", 26, "CN", "CN-GD", "Guangzhou", "Arrived at the sorting centre"),
    ("export_cleared", 40, "CN", "CN-GD", "Guangzhou", "Cleared for export"),
    ("hub_departed", 44, "CN", "CN-GD", "Guangzhou", "Left the country of origin"),
    ("destination_country_arrived", 90, "BR", "BR-SP", "São Paulo", "Chegou ao país de destino"),
    ("import_customs_started", 95, "BR", "BR-SP", "São Paulo", "Encaminhado para fiscalização"),
    ("import_cleared", 170, "BR", "BR-SP", "São Paulo", "Liberado pela alfândega"),
    ("out_for_delivery", 200, "BR", "BR-RJ", "Niterói", "Saiu para entrega"),
    ("failed_attempt", 206, "BR", "BR-RJ", "Niterói", "Destinatário ausente"),
    ("out_for_delivery", 224, "BR", "BR-RJ", "Niterói", "Saiu para entrega"),
    ("delivered", 229, "BR", "BR-RJ", "Niterói", "Objeto entregue"),
)


def number(entity: int) -> str:
    """The tracking number of a parcel."""
    return f"LC{entity:09d}CN"


def _began(entity: int) -> datetime:
    return datetime(2026, 5, 4, 1, 0, tzinfo=UTC) + timedelta(minutes=7 * (entity % 1000))


def _local(moment: datetime, offset: timedelta) -> str:
    sign = "-" if offset < timedelta() else "+"
    return f"{(moment + offset):%Y-%m-%dT%H:%M}{sign}{abs(offset).seconds // 3600:02d}:00"


def events(entity: int) -> list[Record]:
    """The scans of one parcel from China to Brazil, a failed attempt among them."""
    return [
        {
            "carrier": "yanwen",
            "tracking_number": number(entity),
            "occurred_at": _local(_began(entity) + timedelta(hours=hours), CHINA if country == "CN" else BRAZIL),
            "code": f"YW{position:02d}",
            "description": words,
            "country": country,
            "region": region,
            "city": city,
            "milestone": milestone,
        }
        for position, (milestone, hours, country, region, city, words) in enumerate(_SCANS)
    ]


def shipments(entity: int) -> list[Record]:
    """The registration of one parcel."""
    began = _began(entity)
    return [
        {
            "order_id": f"ORD-{entity}",
            "tracking_number": number(entity),
            "carrier": "yanwen",
            "service": "tracked",
            "origin_country": "CN",
            "origin_region": "CN-GD",
            "destination_country": "BR",
            "destination_region": "BR-RJ",
            "ordered_at": _local(began - timedelta(hours=9), BRAZIL),
            "shipped_at": _local(began + timedelta(hours=20), CHINA),
            "delivered_at": _local(began + timedelta(hours=229), BRAZIL),
            "promised_at": _local(began + timedelta(days=30), BRAZIL),
            "milestone": "delivered",
        }
    ]


def orders(entity: int) -> list[Record]:
    """One order of two lines, one of them a correction."""
    head = {
        "order_id": f"ORD-{entity}",
        "customer_id": f"c{entity}",
        "ordered_at": _local(_began(entity) - timedelta(hours=9), BRAZIL),
        "status": "paid",
        "currency": "BRL",
        "country": "BR",
        "region": "BR-SP",
        "occurred_at": "",
    }
    return [
        {**head, "product_id": "P-1", "quantity": "2", "unit_price": "149.90"},
        {**head, "product_id": "P-2", "quantity": "-1", "unit_price": "19.90"},
    ]


def interactions(entity: int) -> list[Record]:
    """A customer who looks, puts aside, buys and sends back."""
    return [
        {
            "customer_id": f"c{entity}",
            "product_id": "P-1",
            "kind": kind,
            "occurred_at": _local(_began(entity) + timedelta(hours=hours), BRAZIL),
            "quantity": "1",
            "value": "149.90",
            "order_id": f"ORD-{entity}" if kind in ("purchase", "return") else "",
            "country": "BR",
        }
        for kind, hours in (("view", -11), ("cart", -10), ("purchase", -9), ("return", 300))
    ]


def products(entity: int) -> list[Record]:
    """A product, as a shop's list has it."""
    return [
        {
            "product_id": f"S-{entity}",
            "title": f"Shoes of kind {entity}",
            "category": "shoes",
            "unit_price": "149.90",
            "currency": "BRL",
            "is_available": "yes",
            "stock_quantity": "12",
            "changed_in_shop_at": "2026-05-30T10:00:00Z",
        }
    ]


CLEAN = {
    "products": products,
    "orders": orders,
    "shipments": shipments,
    "events": events,
    "interactions": interactions,
}
"""What one entity brings in each dataset, in the order in which the datasets are loaded."""


@dataclass(frozen=True)
class Defect:
    """One way in which a file is wrong: what it does to the rows of one entity, and who is to notice."""

    name: str
    dataset: str
    rule: str
    change: Change
    rows: int = 1
    """How many rows the rule is to find."""


def put(row: int = -1, **values: str) -> Change:
    """Gives one row other values."""

    def change(rows: list[Record]) -> None:
        rows[row].update(values)

    return change


def everywhere(**values: str) -> Change:
    """Gives all rows of the entity other values."""

    def change(rows: list[Record]) -> None:
        for row in rows:
            row.update(values)

    return change


def edit(row: int, column: str, how: Callable[[str], str]) -> Change:
    """Changes the text of one value."""

    def change(rows: list[Record]) -> None:
        rows[row][column] = how(rows[row][column])

    return change


def scan(after: int, hours: float, milestone: str, **values: str) -> Change:
    """Adds a scan some hours after another one."""

    def change(rows: list[Record]) -> None:
        moment = datetime.fromisoformat(rows[after]["occurred_at"]) + timedelta(hours=hours)
        more = {"occurred_at": moment.isoformat(timespec="minutes"), "milestone": milestone, "code": "YW99"}
        rows.append({**rows[after], **more, **values})

    return change


def both(first: Change, second: Change) -> Change:
    """One change after the other."""

    def change(rows: list[Record]) -> None:
        first(rows)
        second(rows)

    return change


def shifted(row: int, **by: float) -> Change:
    """Moves the time of one scan."""
    return edit(
        row,
        "occurred_at",
        lambda told: (datetime.fromisoformat(told) + timedelta(**by)).isoformat(timespec="minutes"),
    )


TRACKING = (
    # values that can't be read
    ("a day that no month has", "unreadable_value", put(occurred_at="2026-05-32T10:00:00Z")),
    ("no time but words", "unreadable_value", put(occurred_at="yesterday")),
    ("the hour 25", "unreadable_value", put(occurred_at="2026-05-12 25:10")),
    ("an offset of 26 hours", "unreadable_value", put(occurred_at="2026-05-12T10:00:00+26:00")),
    ("year 20260", "unreadable_value", put(occurred_at="20260-05-12T10:00:00Z")),
    ("a NUL among the words", "unreadable_value", put(description="Objeto\0 entregue")),
    ("a spreadsheet's error", "unreadable_value", put(occurred_at="#VALUE!")),
    # parcels that are none
    ("no tracking number", "event_without_parcel", put(tracking_number="")),
    ("no carrier", "event_without_parcel", put(carrier="")),
    ("a tracking number as a spreadsheet shows it", "tracking_number_malformed", put(tracking_number="1.23E+21")),
    (
        "a mark for right-to-left in the number",
        "unreadable_value",
        edit(-1, "tracking_number", "\u202e{}".format),
    ),
    ("a zero-width blank in the number", "unreadable_value", edit(-1, "tracking_number", "LC\u200b{}".format)),
    ("full-width digits", "unreadable_value", put(tracking_number="ＬＣ０００１２３ＣＮ")),
    ("two numbers in one field", "tracking_number_malformed", edit(-1, "tracking_number", "{};LC1".format)),
    ("a number cut to three characters", "tracking_number_malformed", put(tracking_number="LC0")),
    ("a carrier's slogan as carrier", "unreadable_value", put(carrier="Yanwen – we deliver!")),
    # events that say nothing, or nonsense
    ("no time", "event_without_time", put(occurred_at="")),
    ("neither code nor words", "event_says_nothing", put(code="", description="")),
    ("a web page in the code", "code_too_long", put(code="<html>" + "x" * 300)),
    ("a milestone of another system", "unreadable_value", put(milestone="SHIPPED_OK")),
    # times that can't be
    ("1970, a clock that was never set", "event_before_1990", put(occurred_at="1970-01-01T00:00:00Z")),
    ("year 26", "event_before_1990", put(occurred_at="0026-05-12T10:00:00Z")),
    ("day and month swapped", "event_in_future", put(occurred_at="2026-12-05T10:00:00Z")),
    ("a year ahead by a typing error", "event_in_future", put(occurred_at="2062-05-12T10:00:00Z")),
    ("the old journey of a number used again", "event_before_shipment", shifted(2, days=-250)),
    ("a scan dated a month too early", "event_before_shipment", shifted(2, days=-31)),
    # places that are none
    ("a country that ISO does not know", "country_unknown", put(country="XX", region="")),
    ("mojibake in the country", "country_unknown", put(country="BrÃ¡sil", region="")),
    ("a region of another country", "region_malformed", put(region="US-NY")),
    # journeys that contradict themselves
    ("delivered on two days", "delivered_twice", scan(11, 26, "delivered")),
    ("sorted again after delivery", "movement_after_delivery", scan(11, 20, "hub_arrived")),
    ("out for delivery after delivery", "movement_after_delivery", scan(11, 30, "out_for_delivery")),
    (
        "delivered before it was shipped",
        "movement_after_delivery",
        both(shifted(11, hours=-205), put(country="CN", region="CN-GD")),
        9,
    ),
    ("picked up after it had arrived", "status_going_backwards", scan(5, 3, "picked_up")),
    (
        "arrived in the country after it was at the door",
        "status_going_backwards",
        scan(8, 4, "destination_country_arrived"),
    ),
    ("China to Brazil in two hours", "faster_than_an_aircraft", shifted(5, hours=-44)),
    (
        "a scan in China on the day of delivery in Brazil",
        "faster_than_an_aircraft",
        scan(10, 2, "in_transit", country="CN", region="CN-GD"),
        2,
    ),
    ("a parcel that nobody registered", "parcel_unregistered", everywhere(tracking_number="LC999999999CN"), 12),
)
SHIPMENT = (
    ("a date that is none", "unreadable_value", put(ordered_at="2026-02-30")),
    ("no identity", "shipment_without_identity", put(order_id="", tracking_number="")),
    ("a number as a spreadsheet shows it", "tracking_number_malformed", put(tracking_number="1.23E+21")),
    (
        "a destination that ISO does not know",
        "destination_country_unknown",
        put(destination_country="XX", destination_region=""),
    ),
    ("an emoji in the number", "unreadable_value", put(tracking_number="LC🚚0001")),
    ("a whole letter as order id", "order_id_too_long", put(order_id="dear customer " * 20)),
    ("a service of a whole page", "service_too_long", put(service="tracked " * 40)),
    ("a carrier with signs", "unreadable_value", put(carrier="yanwen®")),
    ("a country of origin that is none", "origin_country_unknown", put(origin_country="Atlantis", origin_region="")),
    ("a region of origin in words", "origin_region_malformed", put(origin_region="Guangdong!")),
    ("a destination's region elsewhere", "destination_region_malformed", put(destination_region="AR-B")),
    ("a status of the shop's own", "unreadable_value", put(milestone="in the van")),
    ("a spreadsheet's zero date", "time_before_1990", put(promised_at="1899-12-30")),
    ("ordered next month", "ordered_in_future", put(ordered_at="2026-07-05", delivered_at="", shipped_at="")),
    ("shipped next month", "shipped_in_future", put(shipped_at="2026-07-05", delivered_at="")),
    ("delivered next month", "delivered_in_future", put(delivered_at="2026-07-05")),
    ("promised in ten years", "promised_too_far_ahead", put(promised_at="2036-05-01")),
    (
        "delivered before it was handed over",
        "delivered_before_handed_over",
        put(delivered_at="2026-05-04T22:00:00Z", shipped_at="2026-05-06"),
    ),
    ("delivered before it was ordered", "delivered_before_ordered", put(delivered_at="2026-05-01", shipped_at="")),
    ("handed over before it was ordered", "handed_over_before_ordered", put(shipped_at="2026-05-01")),
    ("no destination", "destination_missing", put(destination_country="", destination_region="")),
    ("an order that was never loaded", "order_unknown", put(order_id="ORD-lost")),
)
LINE = (
    ("a quantity in words", "unreadable_value", put(quantity="two")),
    ("a price with its currency", "unreadable_value", put(unit_price="R$ 149,90")),
    ("no order", "order_missing", put(order_id="")),
    ("no product", "product_missing", put(product_id="")),
    ("no date", "ordered_at_missing", put(ordered_at="")),
    ("a product's description as its id", "identifier_too_long", put(product_id="shoe " * 60)),
    ("a quantity of nothing", "quantity_not_usable", put(quantity="0")),
    ("a quantity that is no number", "unreadable_value", put(quantity="NaN")),
    ("a price without end", "unreadable_value", put(unit_price="Infinity")),
    ("a currency sign for its code", "currency_malformed", put(currency="R$")),
    ("ordered in 1970", "ordered_before_1990", put(ordered_at="1970-01-01")),
    ("ordered next year", "ordered_in_future", put(ordered_at="2027-05-04")),
    ("an order of two customers", "order_of_several_customers", put(customer_id="c-other"), 2),
    ("a negative price", "price_negative", put(unit_price="-149.90")),
    ("no customer", "customer_missing", put(customer_id="")),
    ("a country that ISO does not know", "country_unknown", put(country="Atlantis", region="")),
    ("a region in words", "region_malformed", put(region="Sao Paulo!")),
    ("a return of 1970", "occurred_before_1990", put(occurred_at="1970-01-01")),
    ("a return next year", "occurred_in_future", put(occurred_at="2027-05-04")),
)
INTERACTION = (
    ("a time of day alone", "unreadable_value", put(occurred_at="10:32")),
    ("a value in two currencies", "unreadable_value", put(value="149.90 / 27")),
    ("no product", "product_missing", put(product_id="")),
    ("no time", "occurred_at_missing", put(occurred_at="")),
    ("no kind", "kind_missing", put(kind="")),
    ("a kind of another shop", "kind_unknown", put(kind="wishlist")),
    ("an order's whole story as its id", "identifier_too_long", put(order_id="x" * 201)),
    ("a quantity that is no number", "unreadable_value", put(quantity="NaN")),
    ("a value without end", "unreadable_value", put(value="-Infinity")),
    ("1970", "occurred_before_1990", put(occurred_at="1970-01-01T00:00:00Z")),
    ("next year", "occurred_in_future", put(occurred_at="2027-01-01T00:00:00Z")),
    ("no customer", "customer_missing", put(customer_id="")),
    ("a country that ISO does not know", "country_unknown", put(country="XX")),
    ("a purchase of an order that was never loaded", "order_unknown", put(2, order_id="ORD-lost")),
)
PRODUCT = (
    ("a price in words", "unreadable_value", put(unit_price="on request")),
    ("in stock, or nearly", "unreadable_value", put(is_available="soon")),
    ("no product", "product_missing", put(product_id="")),
    ("a product's description as its id", "identifier_too_long", put(product_id="shoe " * 60)),
    ("a product's page as its title", "text_too_long", put(title="Walk on air. " * 100)),
    ("a correction of the books", "price_not_usable", put(unit_price="-53594.36")),
    ("a currency sign for its code", "currency_malformed", put(currency="R$")),
    ("changed next year", "changed_in_future", put(changed_in_shop_at="2027-05-04")),
    ("no title", "title_missing", put(title="")),
    ("no price", "price_missing", put(unit_price="")),
)
CATALOGUE = [
    Defect(told[0], dataset, *told[1:])
    for dataset, defects in (
        ("events", TRACKING),
        ("shipments", SHIPMENT),
        ("products", PRODUCT),
        ("orders", LINE),
        ("interactions", INTERACTION),
    )
    for told in defects
]
"""Each defect is put into the rows of one entity of its own."""

MENDED = (
    ("blanks around values", edit(-1, "tracking_number", "  {} ".format)),
    ("a code in small letters", put(country="br", region="br-rj")),
    ("a country's name", put(country="Brazil")),
    ("UK for the United Kingdom", put(country="UK", region="")),
    ("a region's name for its code", put(region="Rio de Janeiro")),
    ("blanks inside the number", edit(-1, "tracking_number", lambda told: f"{told[:4]} {told[4:]}")),
    ("words in mojibake", put(description="NÃ£o localizado")),
    ("a mark for right-to-left among the words", put(description="\u202eObjeto entregue")),
    ("words in another script", put(description="已签收 📦")),
    ("the same scan twice", scan(11, 0, "delivered", code="YW11")),
    ("all scans at one moment", everywhere(occurred_at="2026-05-12T10:00:00-03:00")),
    ("returned after it was refused", scan(9, 1, "returning")),
    ("half of the answer missing", lambda rows: rows.__delitem__(slice(0, 6))),
)
"""What looks wrong in a file of events and is read, or happens: no rule may find anything."""
