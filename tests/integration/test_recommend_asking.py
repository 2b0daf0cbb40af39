"""Recommendations as people and programs ask for them: the commands, and the desk's API."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from click.testing import CliRunner
from fastapi import FastAPI
from recommend_world import NOW, asked, customers, execute, listed, order, popular_alone, products, run, shop
from starlette.testclient import TestClient

import customer_keys
from lanecast.cli import cli
from lanecast.desk.app import PREFIX, create_app
from lanecast.recommend import run as models
from lanecast.recommend import training
from lanecast.warehouse import clock

ANN = customer_keys.key("ann")
DAY = timedelta(days=1)


def lanecast(*arguments: str) -> Any:
    return CliRunner().invoke(cli, list(arguments))


def told(*arguments: str) -> Any:
    done = lanecast(*arguments, "--json")
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)


@pytest.fixture
def known(warehouse: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """A shop where the customer that it calls ann has bought twice."""
    monkeypatch.setattr(models, "evaluate", popular_alone)
    monkeypatch.setenv(customer_keys.VARIABLE, customer_keys.CONNECTION)
    clock.set_clock(NOW, NOW, 0)
    shop(people=12, weeks=20)
    products("a/b c")
    customers(ANN, country="DE")
    for number, at in enumerate((NOW - 60 * DAY, NOW - 30 * DAY)):
        order(f"ann {number}", ANN, ["a0", "a1", "a/b c"], at, country="DE")
    execute("UPDATE core.product SET title = 'The best' WHERE product_id = 'a0'")
    run()
    return warehouse


def test_a_customer_is_asked_for_by_the_shop_s_id_or_by_key(known: str) -> None:
    found = told("recommend", "--customer", "ann")
    assert found == told("recommend", "--customer", ANN)
    assert list(found) == ["discover", "buy_again"]
    assert [one["product_id"] for one in found["discover"]][: len(listed(ANN))] == listed(ANN)
    assert [one["product_id"] for one in found["buy_again"]] == listed(ANN, "buy_again")
    assert {"a0", "a1", "a/b c"} == {one["product_id"] for one in found["buy_again"]}
    assert next(one["title"] for one in found["buy_again"] if one["product_id"] == "a0") == "The best"
    assert len(told("recommend", "--customer", "ann", "--slot", "discover", "-n", "3")["discover"]) == 3
    printed = lanecast("recommend", "--customer", "ann").output
    assert "To discover\n    1  " in printed
    assert "The best: " in printed


def test_somebody_new_and_a_product_are_asked_for(known: str) -> None:
    new = told("recommend", "--customer", "nobody we know")
    assert {one["basis"] for one in new["discover"]} == {"popular"}
    assert new["buy_again"] == []
    assert list(told("recommend", "--country", "DE")) == ["discover"]
    assert told("recommend", "--country", "Germany") == told("recommend", "--country", "DE")
    assert "'Germanyy' is no country" in lanecast("recommend", "--country", "Germanyy").output
    beside = told("recommend", "--product", "a0")["beside"]
    rows = asked(
        "SELECT rank, recommended_product_id, support, lift::float FROM mart.product_recommendation "
        "WHERE product_id = 'a0' ORDER BY rank"
    )
    assert [(one["rank"], one["product_id"], one["support"], one["lift"]) for one in beside] == rows
    assert told("recommend", "--product", "no such product") == {"beside": []}
    assert "  nothing" in lanecast("recommend", "--product", "no such product").output


@pytest.mark.parametrize("arguments", [[], ["--product", "a0", "--customer", "ann"], ["--customer", "ann", "-n", "0"]])
def test_what_makes_no_sense_is_refused(arguments: list[str]) -> None:
    assert lanecast("recommend", *arguments).exit_code == 2


def test_a_run_by_command_and_the_one_before_put_back(known: str) -> None:
    trained = told("train", "recommendations")
    assert trained["version"] == "2026-06-14.2"
    assert (
        trained["lists"]["customer_lists"]
        == asked("SELECT count(*) FROM serving.customer_list WHERE run_number = 2")[0][0]
    )
    assert {"read", "evaluate", "lists", "publish"} <= trained["seconds"].keys()
    assert told("recommend", "restore") == {"version": "2026-06-14.1"}
    assert lanecast("recommend", "restore", "2026-06-14.2").output == "run 2026-06-14.2 serves\n"
    refused = lanecast("recommend", "restore", "2020-01-01.1")
    assert refused.exit_code == 1
    assert "those of these runs are: 2026-06-14.2, 2026-06-14.1" in refused.output
    printed = lanecast("train", "recommendations").output
    assert "run 2026-06-14.3" in printed
    assert "customer lists" in printed


def test_a_run_that_another_overtakes_says_which_serves(known: str, monkeypatch: pytest.MonkeyPatch) -> None:
    train = training.train

    def train_beside(*arguments: Any, **named: Any) -> Any:
        mine = train(*arguments, **named)
        monkeypatch.setattr(training, "train", train)
        run()  # the nightly one, kept and put in use meanwhile
        return mine

    monkeypatch.setattr(training, "train", train_beside)
    done = lanecast("train", "recommendations")
    assert done.exit_code == 1
    assert "another run was put in use meanwhile" in done.output
    assert "2026-06-14.3" in done.output
    assert asked("SELECT version FROM mart.recommendation_run WHERE status = 'serving'") == [("2026-06-14.3",)]


def test_without_anything_to_learn_from_the_command_says_what_to_do(warehouse: str) -> None:
    done = lanecast("train", "recommendations")
    assert done.exit_code == 1
    assert "load orders or interactions first" in done.output


def test_the_desk_tells_the_same(known: str) -> None:
    airflow = FastAPI()
    airflow.mount(PREFIX, create_app(lambda: "somebody"))
    desk = TestClient(airflow)

    def got(path: str, status: int = 200, **query: Any) -> Any:
        answer = desk.get(f"{PREFIX}/api/recommendations/{path}", params=query)
        assert answer.status_code == status, answer.text
        assert status == 422 or answer.headers["cache-control"] == "no-store"
        return answer.json()

    by_command = told("recommend", "--customer", ANN)
    for slot in ("discover", "buy_again"):
        assert got(f"customer/{ANN}", slot=slot) == {"slot": slot, "recommendations": by_command[slot]}
    assert len(got(f"customer/{ANN}", how_many=2)["recommendations"]) == 2
    assert got("visitor", country="de")["recommendations"] == told("recommend", "--country", "DE")["discover"]
    assert got("customer/nobody")["recommendations"] == got("visitor")["recommendations"]
    assert got("product/a0")["recommendations"] == told("recommend", "--product", "a0")["beside"]
    assert got("product/a%2Fb%20c")["recommendations"] == told("recommend", "--product", "a/b c")["beside"]
    got("customer/a%00b", 422)
    got("product/a%00b", 422)
    for wrong in ({"slot": "both"}, {"how_many": 0}, {"how_many": 101}, {"country": "Germany"}, {"for": "ann"}):
        got(f"customer/{ANN}", 422, **wrong)
