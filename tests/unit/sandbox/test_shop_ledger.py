"""The shops' orders: they agree with the parcels, are always the same, and what was put into them can be read out."""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, datetime, timedelta

import msgspec
import numpy as np
import pytest

from lanecast.sandbox.description import Description, Orders, WorldError, read_description
from lanecast.sandbox.shop.behaviour import Behaviour
from lanecast.sandbox.shop.customers import Customers
from lanecast.sandbox.shop.ledger import Ledger
from lanecast.sandbox.shop.orders import Order, id_of_name, place_of
from lanecast.sandbox.world import World

START = datetime(2026, 5, 20, 12, tzinfo=UTC)
TODAY = int(START.timestamp()) // 86400
DAY = 86400


@pytest.fixture(scope="module")
def orders(ledger: Ledger) -> list[Order]:
    return [order for day in range(ledger.first_day, TODAY + 1) for order in ledger.on(day)]


@pytest.fixture(scope="module")
def small(description: Description) -> Description:
    return msgspec.structs.replace(
        description, orders=Orders(per_day=12, weekdays=[1.0] * 7), history_days=40, peaks=[], strikes=[]
    )


def test_every_parcel_has_its_order_and_every_order_its_parcel_or_its_cancellation(
    world: World, ledger: Ledger
) -> None:
    day = TODAY - 20
    shipments = world.shipments_ordered_on(START.date() - timedelta(days=20))
    shipped = [order for order in ledger.on(day) if order.parcel is not None]
    assert [
        (
            *(order.order_id, order.origin, order.place.iso_region, order.place.city, order.ordered_at),
            *(order.parcel.carrier, order.parcel.number, order.parcel.shipped_at, order.parcel.delivered_at),
        )
        for order in shipped
        if order.parcel is not None
    ] == [
        (
            *(one.order_id, one.origin.country, one.destination.iso_region, one.destination.city, one.ordered_at),
            *(one.carrier, one.number, one.shipped_at, one.delivered_at),
        )
        for one in shipments
    ]
    others = ledger.on(day)[len(shipped) :]
    assert others
    assert all(order.cancelled_at is not None and order.cancelled_at > order.ordered_at for order in others)
    assert not any(order.is_shipped(order.ordered_at + 400 * DAY) for order in others)
    printed = [order.order_id for order in ledger.on(day)]
    assert len(set(printed)) == len(printed)


def test_each_shop_sells_what_its_origins_send(world: World, orders: list[Order]) -> None:
    sold = {kind: {order.origin for order in orders if order.kind == kind} for kind in ("shopify", "woocommerce")}
    assert sold == {kind: set(origins) for kind, origins in world.description.storefronts.items()}


def test_a_customer_lives_where_the_parcel_goes(ledger: Ledger, orders: list[Order]) -> None:
    assert all(ledger.customers.place[order.customer] is order.place for order in orders if order.customer is not None)
    guests = sum(order.customer is None for order in orders) / len(orders)
    assert guests == pytest.approx(0.12, abs=0.01)


def test_parcels_do_not_depend_on_who_sells_them(small: Description) -> None:
    sold = World(small, START, 3)
    unsold = World(msgspec.structs.replace(small, storefronts={}), START, 3)
    assert [one.truth() for one in sold.history()] == [one.truth() for one in unsold.history()]
    assert Ledger(unsold).on(TODAY) == []


def test_a_ledger_is_the_same_whichever_day_is_asked_for_first(small: Description) -> None:
    forwards, backwards = Ledger(World(small, START, 3)), Ledger(World(small, START, 3))
    late = [_plain(order) for order in backwards.on(TODAY + 5)]
    early = [_plain(order) for order in backwards.on(TODAY - 30)]
    assert [_plain(order) for order in forwards.on(TODAY - 30)] == early
    assert [_plain(order) for order in forwards.on(TODAY + 5)] == late
    assert [_plain(order) for order in Ledger(World(small, START, 4)).on(TODAY - 30)] != early
    assert forwards.on(TODAY - 41) == []


def test_an_order_is_found_by_its_id_and_by_what_the_shop_prints(ledger: Ledger) -> None:
    for order in ledger.on(TODAY - 3):
        assert ledger.get(order.id) is order
        assert id_of_name(order.order_id) == order.id
    assert place_of(ledger.on(TODAY - 3)[7].id) == (TODAY - 3, 7)
    assert ledger.get(ledger.on(TODAY - 3)[-1].id + 1) is None
    assert [id_of_name(text) for text in ("", "260520", "260520-0000", "261350-0001", "x60520-0001")] == [None] * 5


def test_only_what_can_be_bought_is_bought(ledger: Ledger, orders: list[Order]) -> None:
    products = ledger.catalogue.products
    bought = {line.product for order in orders for line in order.lines}
    for order in orders[::7]:
        assert len({line.product for line in order.lines}) == len(order.lines)
        for line in order.lines:
            assert products[line.product].is_listed(order.ordered_at)
            assert not products[line.product].is_sold_out(order.ordered_at)
    assert sum(product.deleted_at is not None for product in products) == 6
    assert any(
        product.deleted_at is not None and product.deleted_at < START.timestamp() and number in bought
        for number, product in enumerate(products)
    )


def test_refunds_come_after_delivery_and_never_exceed_what_was_bought(orders: list[Order]) -> None:
    late = 1 << 40
    for order in orders:
        for refund in order.refunds:
            assert order.parcel is not None
            assert refund.at > (order.parcel.delivered_at or order.parcel.finished_at)
        assert all(order.quantity_left(place, late) >= 0 for place in range(len(order.lines)))
        never_came = order.parcel is not None and order.parcel.delivered_at is None
        assert not never_came or order.is_refunded(late)


def test_lateness_costs_repeat_orders_as_described(orders: list[Order]) -> None:
    """Orders a day in the 15 days after a delivery, until the next one: late against in time, in strata by week."""
    of_customer: dict[int, list[Order]] = defaultdict(list)
    for order in orders:
        if order.customer is not None:
            of_customer[order.customer].append(order)
    strata: dict[int, list[list[int]]] = defaultdict(lambda: [[0, 0], [0, 0]])
    for theirs in of_customer.values():
        came = sorted(
            (
                max(order.parcel.delivered_at, order.ordered_at) // DAY + 1,
                order.parcel.delivered_at,
                order.parcel.is_late,
            )
            for order in theirs
            if order.parcel is not None and order.parcel.delivered_at is not None
        )
        ends = [day for day, _, _ in came[1:]] + [TODAY + 1]
        for (day, _, is_late), end in zip(came, ends, strict=False):
            until = min(end, day + 15, TODAY + 1)
            strata[day // 7][is_late][0] += sum(day <= order.ordered_at // DAY < until for order in theirs)
            strata[day // 7][is_late][1] += max(0, until - day)
    whole = [(late, timely, late[1] + timely[1]) for timely, late in strata.values() if late[1] + timely[1]]
    ratio = sum(late[0] * timely[1] / days for late, timely, days in whole) / sum(
        timely[0] * late[1] / days for late, timely, days in whole
    )
    counts = [sum(stratum[0] for stratum in side) for side in zip(*((a, b) for a, b, _ in whole), strict=True)]
    error = sum(1 / count for count in counts) ** 0.5
    assert error < 0.04
    assert abs(np.log(ratio / 0.6)) < 3 * error


def test_lateness_brings_goods_back_as_described(ledger: Ledger, orders: list[Order]) -> None:
    lines = {(often, late): [0, 0] for often in (False, True) for late in (False, True)}
    for order in orders:
        if order.parcel is None or order.parcel.delivered_at is None:
            continue
        back = {place for refund in order.refunds for place, _ in refund.lines}
        for place, line in enumerate(order.lines):
            if line.removed_at is None:
                often = ledger.catalogue.products[line.product].return_chance > 0.1
                told = lines[often, order.parcel.is_late]
                told[place in back] += 1
    shares = {key: back / (kept + back) for key, (kept, back) in lines.items()}
    assert shares[False, False] == pytest.approx(0.02, abs=0.003)
    assert shares[False, True] == pytest.approx(0.05, abs=0.008)
    assert shares[True, False] == pytest.approx(0.35, abs=0.03)
    assert shares[True, True] == pytest.approx(0.875, abs=0.03)


def test_groups_buy_by_their_taste_and_goods_that_go_together(ledger: Ledger, orders: list[Order]) -> None:
    products, favourites = ledger.catalogue.products, ledger.catalogue.group_categories
    own = [products[line.product].category in favourites[order.group] for order in orders for line in order.lines[:1]]
    other = [
        products[line.product].category in favourites[(order.group + 3) % 6]
        for order in orders
        for line in order.lines[:1]
    ]
    assert np.mean(own) > 0.75 > 2 * np.mean(other)
    pairs = [order for order in orders if len(order.lines) > 1]
    together = np.mean([order.lines[1].product in products[order.lines[0].product].companions for order in pairs])
    assert together > 0.3  # by chance, 3 of 300


def test_what_is_consumed_is_bought_again_in_its_rhythm(ledger: Ledger, orders: list[Order]) -> None:
    """Between two purchases of a consumable, three quarters of its rhythm pass far more often than not."""
    last: dict[tuple[int, int], int] = {}
    ratios: dict[bool, list[float]] = {True: [], False: []}
    for order in sorted(orders, key=lambda one: one.ordered_at):
        for line in order.lines:
            if order.customer is None or order.parcel is None:
                continue
            product, key = ledger.catalogue.products[line.product], (order.customer, line.product)
            if key in last:
                expected = (product.rhythm_days or 40) * ledger.customers.pace[order.customer] * DAY
                ratios[product.rhythm_days is not None].append((order.ordered_at - last[key]) / expected)
            last[key] = order.ordered_at
    due = {consumed: np.mean(np.array(found) >= 0.75) for consumed, found in ratios.items()}
    assert due[True] > due[False] + 0.1
    consumed = np.mean([product.rhythm_days is not None for product in ledger.catalogue.products])
    assert len(ratios[True]) / len(ratios[False]) > 2 * consumed / (1 - consumed)


def test_behaviour_leads_up_to_orders_and_adds_up(ledger: Ledger) -> None:
    behaviour = Behaviour(ledger, 1, 0.2)
    begin, middle, end = ((TODAY - days) * DAY + 5000 for days in (9, 8, 6))
    whole = list(behaviour.between(begin, end))
    assert sorted(whole) == sorted([*behaviour.between(begin, middle), *behaviour.between(middle, end)])
    assert all(begin < deed.at <= end for deed in whole)
    assert {deed.kind for deed in whole} == {"view", "cart"}
    assert all(ledger.catalogue.products[deed.product].is_listed(deed.at) for deed in whole if deed.kind == "view")
    carted = {(deed.customer, deed.product) for deed in whole if deed.kind == "cart"}
    bought = [
        (order.customer, line.product)
        for order in ledger.on(TODAY - 7)
        if order.customer is not None
        for line in order.lines
    ]
    assert np.mean([pair in carted for pair in bought]) == pytest.approx(0.5, abs=0.08)
    buyers = {customer for customer, _ in bought}
    assert {deed.customer for deed in whole} - buyers  # some only look


def test_every_city_has_customers(world: World) -> None:
    described = msgspec.structs.replace(
        world.description, shop=msgspec.structs.replace(world.description.shop, customers=1)
    )
    customers = Customers(described, world.network, 1)
    assert len(customers) == len(customers.places)
    assert all(customers.place[customers.living_in(place, 0.5)] is place for place in customers.places)


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ("storefronts: {shopify: [DE], woocommerce: [CN]}", "the orders from US are sold by 0 shops"),
        ("storefronts: {shopify: [DE, CN], woocommerce: [CN, US]}", "the orders from CN are sold by 2 shops"),
        ("storefronts: {shopify: [DE], woocommerce: [CN, US, FR]}", "no such origin under origins: FR"),
        ("storefronts: {magento: [DE], woocommerce: [CN, US]}", "storefronts"),
    ],
)
def test_storefronts_that_cannot_be_are_refused(
    tmp_path_factory: pytest.TempPathFactory, change: str, complaint: str
) -> None:
    from lanecast.sandbox.description import default_world

    text = default_world().read_text(encoding="utf-8")
    file = tmp_path_factory.mktemp("world") / "world.yaml"
    file.write_text(text.replace("storefronts: {shopify: [DE], woocommerce: [CN, US]}", change), encoding="utf-8")
    with pytest.raises(WorldError, match=complaint):
        read_description(file)


def _plain(order: Order) -> object:
    """An order without the place, which differs from world to world."""
    return msgspec.structs.replace(order, place=None)
