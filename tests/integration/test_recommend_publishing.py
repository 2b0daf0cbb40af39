"""From core to the marts: lists of a run, swapped whole, put back, and true to what happened since."""

from __future__ import annotations

import threading
from datetime import timedelta
from functools import partial
from typing import Any

import psycopg2
import pytest
from recommend_world import (
    NOW,
    asked,
    customers,
    execute,
    insert,
    key,
    listed,
    order,
    popular_alone,
    products,
    run,
    shop,
)

from lanecast import tasks
from lanecast.contracts.reader import contract
from lanecast.recommend import run as models
from lanecast.recommend import store, training
from lanecast.recommend.store import NoRun
from lanecast.recommend.training import NothingToLearnFrom
from lanecast.warehouse import connection

DAY = timedelta(days=1)
RUNS = "SELECT version, status FROM mart.recommendation_run ORDER BY refreshed_at"
LISTS = "SELECT DISTINCT run_number FROM serving.{} ORDER BY 1"


@pytest.fixture
def judging() -> None:
    """For tests in which models are judged."""


@pytest.fixture(autouse=True)
def _quick(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if "judging" not in request.fixturenames:
        monkeypatch.setattr(models, "evaluate", popular_alone)


@pytest.fixture
def small(warehouse: str) -> str:
    shop(people=30, weeks=20)
    return warehouse


def test_a_run_fills_every_mart(small: str, judging: None) -> None:
    trained = run()
    assert trained.version == "2026-06-14.1"
    assert asked(RUNS) == [("2026-06-14.1", "serving")]
    for slot in ("discover", "buy_again"):
        rows = asked(
            "SELECT customer_id, array_agg(rank ORDER BY rank), count(DISTINCT product_id), count(reason), "
            "min(refreshed_at) FROM mart.customer_recommendation WHERE slot = %s GROUP BY 1 ORDER BY 1",
            slot,
        )
        assert [row[0] for row in rows] == [key(number) for number in range(30)]
        for _, ranks, distinct, reasons, refreshed in rows:
            assert ranks == list(range(1, len(ranks) + 1))
            assert len(ranks) == distinct == reasons
            assert refreshed == NOW
    bought = {
        customer: set(bought)
        for customer, bought in asked(
            "SELECT customer_id, array_agg(product_id) FROM core.customer_order JOIN core.order_line USING (order_id) "
            "GROUP BY 1"
        )
    }
    for customer, ever in bought.items():
        assert set(listed(customer, "buy_again")) <= ever
        assert not set(listed(customer)) & ever
    assert asked("SELECT count(*) > 0 FROM mart.product_recommendation") == [(True,)]
    assert asked("SELECT country, count(*), min(rank), max(rank) FROM mart.popular_product GROUP BY 1 ORDER BY 1") == [
        ("DE", 21, 1, 21),
        (None, 21, 1, 21),
    ]
    told = asked(
        "SELECT slot, evaluation_window, count(*) > 0, sum(is_serving::integer), bool_and(customers >= 0), "
        "bool_and(why <> '') FROM mart.recommendation_evaluation GROUP BY 1, 2 ORDER BY 1, 2"
    )
    assert [row[:2] for row in told] == [
        (slot, window) for slot in ("all", "buy_again", "discover") for window in ("report", "validation")
    ]
    assert all(row[2:] == (True, 1, True, True) for row in told)


def test_views_keep_what_their_contracts_promise_of_each_row(small: str) -> None:
    run()
    ranked = ("customer_recommendation", "product_recommendation", "popular_product")
    for view in (*ranked, "recommendation_run", "recommendation_evaluation"):
        table = contract(view).table
        for column in table.properties:
            if column.required:
                lacking = asked(f"SELECT count(*) FROM mart.{view} WHERE {column.name} IS NULL")
                assert lacking == [(0,)], (view, column.name)
        keys = ", ".join(table.key)
        twice = asked(f"SELECT {keys} FROM mart.{view} GROUP BY {keys} HAVING count(*) > 1")
        assert twice == [], view
        assert asked(f"SELECT count(*) > 0 FROM mart.{view}") == [(True,)], view


def test_reasons_are_told_with_titles_and_numbers(small: str) -> None:
    execute("UPDATE core.product SET title = 'A {support} of {country}' WHERE product_id = 'a0'")
    run()
    reason = "SELECT serving.recommendation_reason(%s, %s, %s, %s)"
    template = "bought with {product} by {support} customers"
    assert asked(reason, template, "A {support}", 43, "DE") == [("bought with A {support} by 43 customers",)]
    assert asked(reason, template, "tea", 1, None) == [("bought with tea by one customer",)]
    assert asked(reason, "bought {support} times", None, 1, None) == [("bought once",)]
    assert asked(reason, "popular in {country}", None, 0, "BR") == [("popular in BR",)]
    told = asked(
        "SELECT DISTINCT reason FROM mart.customer_recommendation UNION SELECT reason FROM mart.product_recommendation"
    )
    assert told
    assert not [text for (text,) in told if "{product}" in text or " 1 times" in text or "  " in text or not text]


def test_the_one_before_is_kept_and_put_back(small: str) -> None:
    first = run()
    before = {slot: listed(key(0), slot) for slot in ("discover", "buy_again")}
    order("late", key(0), ["b0", "b1"], NOW - DAY)
    second = run()
    assert listed(key(0)) != before["discover"]
    third = run()
    assert asked(RUNS) == [(first.version, "replaced"), (second.version, "previous"), (third.version, "serving")]
    for table in ("customer_list", "product_list", "popular_list", "recommended_product"):
        assert asked(LISTS.format(table)) == [(2,), (3,)]
    assert training.publish(store.PREVIOUS, as_of=NOW) == second.version
    assert asked(RUNS)[1:] == [(second.version, "serving"), (third.version, "previous")]
    assert training.publish(store.PREVIOUS, as_of=NOW) == third.version
    assert training.publish(third.version, as_of=NOW) == third.version  # again changes nothing
    assert asked(RUNS)[1:] == [(second.version, "previous"), (third.version, "serving")]
    with pytest.raises(
        NoRun, match=rf"no lists of run '{first.version}' are kept; .*{third.version}, {second.version}"
    ):
        training.publish(first.version)


def test_a_run_that_another_overtakes_is_left_unused_and_nothing_fails(small: str) -> None:
    from airflow.sdk.exceptions import AirflowSkipException

    nightly = training.train(as_of=NOW, run_id="night")
    run()  # by hand, put in use before the night's
    told = {"version": nightly.version, "reason": nightly.reason}
    with pytest.raises(AirflowSkipException, match=f"meanwhile, which serves: .*'{nightly.version}' .*: 2026-06-14.2$"):
        tasks.publish_recommendations(told)
    assert asked(RUNS) == [(nightly.version, "replaced"), ("2026-06-14.2", "serving")]
    with pytest.raises(tasks.RunRefused, match="no lists of run"):  # what somebody asked for is not left out in silence
        tasks.publish_recommendations(told | {"reason": "restored"})


def test_without_a_run_before_there_is_none_to_put_back(small: str) -> None:
    with pytest.raises(NoRun, match="no run before the one in use; those of these runs are: none"):
        training.publish(store.PREVIOUS)


def test_readers_in_a_loop_never_see_half_a_run(small: str) -> None:
    """Each statement finds the lists of one run, whole, while runs are put in use one after the other."""
    run()
    run()
    lists = asked("SELECT count(*) FROM serving.customer_list WHERE run_number = 1")[0][0]
    seen: list[tuple[Any, ...]] = []
    ended = threading.Event()

    def read() -> None:
        with connection.connect() as link, link.cursor() as cursor:
            link.autocommit = True
            while not ended.is_set():
                cursor.execute(
                    "SELECT count(DISTINCT (customer_id, slot)), array_agg(DISTINCT version) "
                    "FROM mart.customer_recommendation"
                )
                seen.extend(cursor.fetchall())

    readers = [threading.Thread(target=read) for _ in range(2)]
    for reader in readers:
        reader.start()
    try:
        for _ in range(20):
            training.publish(store.PREVIOUS, as_of=NOW)
        run()
    finally:
        ended.set()
        for reader in readers:
            reader.join()
    assert len(seen) > 20
    assert {count for count, _ in seen} == {lists}
    assert {len(versions) for _, versions in seen} == {1}
    assert len({versions[0] for _, versions in seen}) > 1


def test_a_kill_while_lists_are_written_or_before_they_are_in_use_leaves_the_run_before(
    small: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = run()
    lists = models.customer_lists
    before = asked("SELECT count(*) FROM serving.customer_list")

    def dying(*arguments: Any, **named: Any) -> Any:
        yield next(iter(lists(*arguments, **named)))
        raise KeyboardInterrupt

    monkeypatch.setattr(models, "customer_lists", dying)
    with pytest.raises(KeyboardInterrupt):
        training.train(as_of=NOW, run_id="night")
    assert asked(RUNS) == [(first.version, "serving")]
    assert asked("SELECT count(*) FROM serving.customer_list") == before
    monkeypatch.setattr(models, "customer_lists", lists)
    second = training.train(as_of=NOW, run_id="night")
    assert asked(RUNS) == [(first.version, "serving"), (second.version, "trained")]
    assert {version for (version,) in asked("SELECT DISTINCT version FROM mart.customer_recommendation")} == {
        first.version
    }
    monkeypatch.setattr(models, "customer_lists", dying)
    assert training.train(as_of=NOW, run_id="night").version == second.version  # the retry finds what is there
    training.publish(second.version, as_of=NOW)
    assert asked(RUNS) == [(first.version, "previous"), (second.version, "serving")]


def test_what_cannot_be_bought_any_more_is_left_out_as_it_is_read(small: str) -> None:
    run()
    discover, again = listed(key(0)), listed(key(0), "buy_again")
    popular = "SELECT product_id FROM mart.popular_product WHERE country = 'DE' ORDER BY rank"
    sold = [one for (one,) in asked(popular)]
    execute("UPDATE core.product SET is_available = false WHERE product_id = ANY(%s)", [discover[0], again[1]])
    execute("UPDATE core.product SET withdrawn_at = now() WHERE product_id = %s", discover[2])
    gone = {discover[0], discover[2], again[1]}
    assert listed(key(0)) == [one for one in discover if one not in gone]
    assert listed(key(0), "buy_again") == [one for one in again if one not in gone]
    assert [one for (one,) in asked(popular)] == [one for one in sold if one not in gone]
    assert not gone & {row[0] for row in asked("SELECT recommended_product_id FROM mart.product_recommendation")}
    ranks = asked("SELECT rank FROM mart.customer_recommendation WHERE customer_id = %s AND slot = 'discover'", key(0))
    assert sorted(rank for (rank,) in ranks) == list(range(1, len(discover) - 1))
    execute("UPDATE core.product SET is_available = true, withdrawn_at = NULL")
    assert listed(key(0)) == discover


def test_what_was_bought_since_the_run_is_left_out_of_both_slots(small: str) -> None:
    run()
    discover, again = listed(key(0)), listed(key(0), "buy_again")
    order("since", key(0), [discover[1], again[0]], NOW + DAY)
    stamp = {"run_id": "test", "ingested_at": NOW + DAY}
    # an order of before that was told of later
    insert(
        "core.customer_order", [{"order_id": "told late", "customer_id": key(0), "ordered_at": NOW - 3 * DAY, **stamp}]
    )
    insert(
        "core.order_line",
        [{"order_id": "told late", "line_number": 1, "product_id": discover[0], "quantity": 1, **stamp}],
    )
    deed = {"interaction_hash": 1, "customer_id": key(0), "occurred_at": NOW + DAY, **stamp}
    insert("core.interaction", [deed | {"product_id": discover[2], "kind": "purchase"}])
    insert("core.interaction", [deed | {"interaction_hash": 2, "product_id": discover[3], "kind": "view"}])
    assert listed(key(0)) == discover[3:]
    assert listed(key(0), "buy_again") == again[1:]


def test_what_was_called_off_hides_nothing_and_a_line_told_later_does(small: str) -> None:
    run()
    discover = listed(key(0))
    order("off", key(0), discover[:1], NOW + DAY, cancelled_at=NOW + DAY)
    order("off in a word", key(0), discover[1:2], NOW + DAY, status="cancelled")
    order("a line off", key(0), [{"product_id": discover[2], "withdrawn_at": NOW + DAY}], NOW + DAY)
    # the order stands for what was told of it
    stamp = {"run_id": "test", "ingested_at": NOW + DAY}
    told = {"customer_id": key(0), "occurred_at": NOW + DAY, "kind": "purchase", **stamp}
    deeds = [("off", discover[0]), ("not placed", discover[3]), ("o1-0", discover[4])]
    insert(
        "core.interaction",
        [told | {"interaction_hash": n, "order_id": one, "product_id": what} for n, (one, what) in enumerate(deeds)],
    )
    assert asked("SELECT customer_id FROM core.customer_order WHERE order_id = 'o1-0'") == [(key(1),)], "another's"
    assert listed(key(0)) == [*discover[:3], *discover[5:]]
    placed = asked("SELECT order_id FROM core.customer_order WHERE customer_id = %s ORDER BY ordered_at", key(0))[0][0]
    insert(
        "core.order_line",
        [{"order_id": placed, "line_number": 9, "product_id": discover[5], "quantity": 1, **stamp}],
    )
    assert listed(key(0)) == [*discover[:3], *discover[6:]]


def recommend(
    customer: str | None, slot: str = "discover", how_many: int = 20, country: str | None = None
) -> list[Any]:
    return asked(
        "SELECT product_id, basis, reason FROM mart.recommend(%s, %s, %s, %s) ORDER BY rank",
        customer,
        slot,
        how_many,
        country,
    )


def test_somebody_new_gets_what_sells_in_the_country_and_nothing_bought_already(small: str) -> None:
    products("snow shoe", "sled")
    for number in range(8):
        order(f"no{number}", key(number), ["snow shoe", "sled"][: 1 + number % 2], NOW - DAY, country="NO")
    run()
    norwegian = [
        one for (one,) in asked("SELECT product_id FROM mart.popular_product WHERE country = 'NO' ORDER BY rank")
    ]
    assert norwegian[:2] == ["snow shoe", "sled"]
    everywhere = [
        one for (one,) in asked("SELECT product_id FROM mart.popular_product WHERE country IS NULL ORDER BY rank")
    ]
    found = recommend(None, country="no")
    assert [one[0] for one in found[:2]] == norwegian[:2]
    assert {one[1] for one in found} == {"popular"}
    assert found[0][2] == "popular in NO"
    assert len(found) == len({one[0] for one in found}) == 20
    assert [one[0] for one in recommend("nobody")] == everywhere[:20]
    # since the run: a first customer of Norway, who has bought the best already
    customers("new", country="NO")
    order("first", "new", ["snow shoe"], NOW + DAY, country="NO")
    assert recommend("new")[0][0] == "sled"
    assert "snow shoe" not in [one[0] for one in recommend("new")]
    order("off", "new", ["sled"], NOW + DAY, country="NO", cancelled_at=NOW + DAY)
    order("a line off", "new", [{"product_id": "sled", "withdrawn_at": NOW + DAY}], NOW + DAY, country="NO")
    assert recommend("new")[0][0] == "sled"
    assert recommend("new", "buy_again") == []
    assert len(recommend("new", how_many=3)) == 3


def test_a_short_list_is_filled_up_with_what_sells(small: str) -> None:
    run()
    own = listed(key(0))
    execute("UPDATE core.product SET is_available = false WHERE product_id = ANY(%s)", own[1:])
    products("extra")
    execute("UPDATE core.product SET is_available = true WHERE product_id = %s", own[0])
    found = recommend(key(0))
    assert found[0][:2] == (own[0], "own list")
    bought = {
        row[0]
        for row in asked(
            "SELECT product_id FROM core.customer_order JOIN core.order_line USING (order_id) WHERE customer_id = %s",
            key(0),
        )
    }
    assert not {one[0] for one in found[1:]} & (bought | {own[0]})
    assert {one[1] for one in found[1:]} <= {"popular"}


@pytest.mark.parametrize(
    ("slot", "how_many"), [("both", 5), (None, 5), ("discover", 0), ("discover", 101), ("discover", None)]
)
def test_a_question_that_makes_no_sense_is_refused_with_what_to_give(warehouse: str, slot: Any, how_many: Any) -> None:
    with pytest.raises(psycopg2.errors.InvalidParameterValue) as refused:
        recommend("ann", slot, how_many)
    assert "Give" in (refused.value.diag.message_hint or "")


def erase(customer: str) -> None:
    insert("ops.erased_customer", [{"customer_id": customer, "erased_at": NOW}])


def test_an_erased_customer_is_gone_and_the_model_does_not_remember(small: str, judging: None) -> None:
    run()
    erase(key(4))
    run()
    assert asked("SELECT count(*) FROM serving.customer_list WHERE customer_id = %s", key(4)) == [(0,)]
    with_erased = contents()
    for table in ("order_line", "customer_order", "customer", "product"):
        execute(f"DELETE FROM core.{table}")
    execute("DELETE FROM serving.recommendation_run")
    for table in store._LISTS:
        execute(f"DELETE FROM serving.{table}")
    shop(people=30, weeks=20, without=[key(4)])
    execute("DELETE FROM ops.erased_customer")
    run()
    assert contents() == with_erased


def contents() -> dict[str, list[tuple[Any, ...]]]:
    """All that readers find of the run in use, to the bit, but for what tells one run from another."""
    return {
        view: asked(
            f"SELECT (to_jsonb(told) - 'version' - 'refreshed_at')::text FROM mart.{view} AS told "
            "WHERE version = (SELECT version FROM mart.recommendation_run WHERE status = 'serving') ORDER BY 1"
        )
        for view in (
            "customer_recommendation",
            "product_recommendation",
            "popular_product",
            "recommendation_evaluation",
        )
    }


def test_who_is_erased_while_lists_are_made_has_none_when_they_are_in_use(
    small: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep = store.keep

    def keep_beside(*arguments: Any, **named: Any) -> Any:
        erase(key(1))  # after reading, before writing
        return keep(*arguments, **named)

    monkeypatch.setattr(store, "keep", keep_beside)
    trained = training.train(as_of=NOW)
    assert asked("SELECT count(DISTINCT customer_id) FROM serving.customer_list") == [(29,)]
    erase(key(2))
    training.publish(trained.version, as_of=NOW)
    assert asked("SELECT count(DISTINCT customer_id) FROM serving.customer_list") == [(28,)]


def test_popularity_that_takes_over_from_a_model_is_told_by_the_run(
    small: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    lists, popular = models.customer_lists, popular_alone().chosen
    monkeypatch.setattr(
        models, "customer_lists", lambda deeds, catalogue, _, *rest: lists(deeds, catalogue, popular, *rest)
    )
    for model, lost in (("popularity", None), ("EASE", None), ("popularity", "discover"), ("popularity", None)):
        monkeypatch.setattr(models, "evaluate", partial(popular_alone, model=model))
        run()
        assert asked("SELECT discover_model, lost_slots FROM mart.recommendation_run WHERE status = 'serving'") == [
            (model, lost)
        ]
    assert asked(
        "SELECT slot, model, why, recall_at_20 FROM mart.recommendation_evaluation WHERE is_serving ORDER BY 1"
    ) == [(slot, "popularity", "nothing was judged", None) for slot in ("all", "buy_again", "discover")]


def test_there_is_news_after_a_load_an_erasure_or_a_week(small: str) -> None:
    def is_new(moment: Any = NOW) -> bool:
        with connection.connect(as_of=moment) as link, link.cursor() as cursor:
            from lanecast.warehouse.statements import statement

            cursor.execute(statement("recommend/anything_new"))
            return bool(cursor.fetchone()[0])  # type: ignore[index]

    assert store.is_anything_new()
    run()
    assert not is_new()
    assert not is_new(NOW + 6 * DAY)
    assert is_new(NOW + 7 * DAY)
    load = "INSERT INTO quality.reconciliation VALUES (%s, %s, 5, %s, %s, 0, now(), 5)"
    execute(load, "r1", "tracking_event", 5, 0)
    execute(load, "r1", "order_line", 0, 5)  # all of it known
    assert not is_new()
    execute(load, "r2", "order_line", 1, 4)
    assert is_new()
    run()
    assert not is_new()
    erase(key(1))
    assert is_new()


def test_of_nothing_nothing_is_learned(warehouse: str) -> None:
    with pytest.raises(NothingToLearnFrom, match="load orders or interactions first"):
        run()
    assert asked(RUNS) == []
    assert recommend("ann") == []
