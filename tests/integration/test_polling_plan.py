"""When each parcel is asked for next, and why: by what past journeys tell, by what came of the last question."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from load_rows import NOW, Loader, Row, days, event, shipment

from lanecast.bench import polling as bench
from lanecast.follow import due, polling
from lanecast.warehouse import connection as connections
from lanecast.warehouse import load as loading
from lanecast.warehouse import runs

HOUR = timedelta(hours=1)


@pytest.fixture
def loader(warehouse: str, monkeypatch: pytest.MonkeyPatch) -> Loader:
    monkeypatch.setenv("LANECAST_SANDBOX_URL", "http://127.0.0.1:1")
    return Loader(warehouse)


def journey(number: str, began: datetime) -> list[Row]:
    """Eight days from Bremen to Lyon: in customs on the fourth, out on the eighth, delivered 4.8 hours later."""
    told = (
        ("info_received", 0.0, "DE"),
        ("picked_up", 0.5, "DE"),
        ("hub_departed", 1.0, "DE"),
        ("destination_country_arrived", 3.0, "FR"),
        ("import_customs_started", 3.2, "FR"),
        ("import_cleared", 4.2, "FR"),
        ("hub_arrived", 6.0, "FR"),
        ("out_for_delivery", 8.0, "FR"),
        ("delivered", 8.2, "FR"),
    )
    return [event(number, began + days(at), milestone, country=country) for milestone, at, country in told]


def learn(loader: Loader, journeys: int = 60) -> None:
    """Finished journeys, one begun every twelve hours, the last of them half a day ago."""
    numbers = [f"PAST{number:04}" for number in range(journeys)]
    loader.shipments(*(shipment(number, number, origin_country="DE", service="parcel") for number in numbers))
    told: list[Row] = []
    for place, number in enumerate(numbers):
        told += journey(number, NOW.replace(hour=7) - days(9) - timedelta(hours=12 * place))
    loader.events(*told)
    with connections.connect(as_of=NOW) as link, link.cursor() as cursor:
        assert polling.refresh_curves(cursor, NOW)


def ask(
    loader: Loader, *told: Row, outcome: str = "answered", at: datetime = NOW, number: str = "LC0001", **asked: Any
) -> dict[str, Any]:
    """One run about one parcel, of which `told` is answered; the plan of the parcel after it."""
    run = loader.open("tracking_event", kind="pull", as_of=at)
    due.plan(run, **asked)
    loader.execute(
        "UPDATE ops.poll_request SET outcome = %s, detail = 'as the test says' WHERE run_id = %s", outcome, run.run_id
    )
    rows = [row | {"raw_answer_id": run.number} for row in told]
    loading.load(run, loader.stage(run, "tracking_event", rows), loader.address, polling.replan_all)
    names = "next_poll_at, reason, polls, polls_without_news, state, news_per_hour, basis, source, last_outcome"
    (found,) = loader.asked(
        f"SELECT {names} FROM ops.poll_plan JOIN core.shipment USING (shipment_id) WHERE tracking_number = %s", number
    )
    return dict(zip(names.split(", "), found, strict=True)) | {"hours": found[0] and (found[0] - at) / HOUR}


def follow(loader: Loader, **told: Any) -> None:
    loader.shipments(shipment(origin_country="DE", service="parcel", **told))


def test_a_parcel_out_for_delivery_is_asked_for_sooner_than_one_on_the_road(loader: Loader) -> None:
    learn(loader)
    follow(loader)
    at = NOW.replace(hour=7) - days(1)
    road = ask(loader, event(at=at - days(7), milestone="hub_departed", country="DE"), at=at - days(6.4))
    out = ask(
        loader,
        event(at=at - days(7), milestone="hub_departed", country="DE"),
        event(at=at, milestone="out_for_delivery", country="FR"),
        at=at + HOUR,
    )
    assert road["state"] == "hub_departed at the origin"
    assert out["state"] == "out_for_delivery at the destination"
    assert out["hours"] < road["hours"]
    assert out["basis"] == "dhl parcel DE>FR"
    assert out["reason"].startswith("out_for_delivery at the destination for 1.0 h: 0.")
    assert "worth a call in" in out["reason"]


def test_a_lane_never_seen_leans_on_all_lanes_and_a_state_never_seen_on_a_slow_pace(loader: Loader) -> None:
    learn(loader)
    loader.shipments(shipment(origin_country="CN", destination_country="BR", service="slow"))
    told = event(at=NOW - HOUR, milestone="out_for_delivery", country="BR")
    assert ask(loader, told)["basis"] == "all"
    odd = event(at=NOW - HOUR / 2, milestone="damaged", country="BR")
    found = ask(loader, told, odd, at=NOW + HOUR, force=True)
    assert found["basis"] == "no journey like it yet"
    assert 1 <= found["hours"] <= polling.LONGEST_HOURS


def test_without_any_past_there_is_a_plan(loader: Loader) -> None:
    follow(loader)
    fresh = ask(loader, event(at=NOW - HOUR, milestone="picked_up"))
    old = ask(loader, event(at=NOW - HOUR, milestone="picked_up"), at=NOW + days(20), force=True)
    assert 0.5 <= fresh["hours"] < old["hours"] <= polling.LONGEST_HOURS * 1.06
    assert (old["polls"], old["polls_without_news"]) == (2, 1)


def test_a_delivered_parcel_is_looked_at_for_a_while_then_no_more(loader: Loader) -> None:
    follow(loader)
    told = [event(at=NOW - HOUR, milestone="delivered", country="FR")]
    found = ask(loader, *told)
    assert found["hours"] == 24
    assert found["reason"].startswith("ended delivered")
    at = NOW
    for _ in range(5):
        if found["next_poll_at"] is None:
            break
        at = found["next_poll_at"]
        found = ask(loader, *told, at=at)
    assert (found["next_poll_at"], found["reason"]) == (None, "finished")
    assert found["polls"] <= 4
    assert at - NOW <= polling.GRACE


def test_a_delivery_taken_back_within_that_while_is_followed_again(loader: Loader) -> None:
    follow(loader)
    first = event(at=NOW - days(2), milestone="hub_arrived")
    ask(loader, first, event(at=NOW - HOUR, milestone="delivered", country="FR"))
    found = ask(loader, first, event(at=NOW + HOUR, milestone="failed_attempt"), at=NOW + days(1))
    assert found["state"].startswith("failed_attempt")
    assert found["next_poll_at"] is not None


def test_a_silent_parcel_backs_off_and_its_sight_ends(loader: Loader) -> None:
    follow(loader)
    told = event(at=NOW - days(1), milestone="in_transit")
    waits = [ask(loader, told, at=NOW + days(day), force=True)["hours"] for day in (0, 5, 30)]
    assert waits == sorted(waits)
    found = ask(loader, told, at=NOW + polling.SILENCE, force=True)
    assert found["next_poll_at"] is None
    assert found["reason"] == f"tracking expired: silent since {NOW - days(1):%Y-%m-%d}"
    known = "SELECT milestone, source, withdrawn_at IS NULL FROM core.tracking_event ORDER BY occurred_at"
    assert loader.asked(known) == [("in_transit", "dhl", True), ("tracking_expired", "lanecast", True)]
    assert loader.asked("SELECT finished_at FROM core.shipment_number") == [(None,)], "the end of sight is no end"
    assert due.plan(loader.open("tracking_event", kind="pull", as_of=NOW + days(90))) == []
    # A forced pull overrides; where it brings news, the parcel is in sight again.
    late = NOW + days(70)
    found = ask(loader, told, event(at=late - HOUR, milestone="hub_arrived"), at=late, force=True)
    assert found["next_poll_at"] is not None
    assert loader.asked(known)[1] == ("tracking_expired", "lanecast", False)


def test_one_that_its_carrier_never_knew_expires_as_well(loader: Loader) -> None:
    follow(loader, ordered_at=NOW - days(1))
    found = ask(loader, outcome="not_found")
    assert found["state"] == "registered"
    found = ask(loader, outcome="not_found", at=NOW + polling.SILENCE)
    assert found["reason"].startswith("tracking expired")


def test_a_failed_answer_is_asked_again_ever_later_and_never_expires(loader: Loader) -> None:
    follow(loader)
    ask(loader, event(at=NOW - days(1), milestone="in_transit"))
    waits = [ask(loader, outcome="failed", at=NOW + days(day), force=True)["hours"] for day in (1, 2, 3, 90)]
    assert waits == sorted(waits)
    assert waits[0] == 1
    assert max(waits) <= 24
    assert loader.asked("SELECT count(*) FROM core.tracking_event WHERE source = 'lanecast'") == [(0,)]


def test_a_parcel_that_was_not_asked_for_stays_due(loader: Loader) -> None:
    follow(loader)
    found = ask(loader, outcome="not_asked")
    assert (found["next_poll_at"], found["polls"], found["last_outcome"]) == (NOW, 0, None)
    assert found["reason"] == "as the test says: still due"
    assert [shard.parcels for shard in due.plan(loader.open("tracking_event", kind="pull"))] == [1]


def test_a_small_budget_slows_the_plan_down_and_says_so(loader: Loader, monkeypatch: pytest.MonkeyPatch) -> None:
    learn(loader)
    loader.shipments(*(shipment(f"O{number}", f"LC{number:04}", origin_country="DE") for number in range(1, 41)))
    out = [event(f"LC{number:04}", NOW - HOUR, "out_for_delivery", country="FR") for number in range(1, 41)]
    free = ask(loader, *out)
    account = '{"password": "key-of-mine", "host": "http://127.0.0.1:1", "extra": {"calls_per_day": 20}}'
    monkeypatch.setenv("AIRFLOW_CONN_LANECAST_DHL", account)
    slowed = ask(loader, *out, at=NOW + timedelta(minutes=5), force=True)
    assert slowed["hours"] > free["hours"]
    assert slowed["reason"].endswith("slowed down to stay within 20 parcels a day")


def test_what_is_most_worth_a_call_comes_first_where_not_all_can_be_asked(
    loader: Loader, monkeypatch: pytest.MonkeyPatch
) -> None:
    learn(loader)
    loader.shipments(shipment("A", "LC0001", origin_country="DE"), shipment("B", "LC0002", origin_country="DE"))
    ask(
        loader,
        event("LC0001", NOW - HOUR, "hub_departed", country="DE"),
        event("LC0002", NOW - HOUR, "out_for_delivery", country="FR"),
    )
    loader.execute("UPDATE ops.poll_plan SET next_poll_at = %s WHERE carrier = 'dhl'", NOW + HOUR)
    monkeypatch.setattr(due, "_bounds", lambda *_: (1, 1))
    run = loader.open("tracking_event", kind="pull", as_of=NOW + days(1))
    due.plan(run)
    assert loader.asked("SELECT tracking_number FROM ops.poll_request WHERE run_id = %s", run.run_id) == [("LC0002",)]


def test_the_curves_follow_from_the_journeys(loader: Loader) -> None:
    """Worked out by hand: 60 parcels out for delivery, all delivered 4.8 hours later: in the fifth span (4 to 6 h)."""
    learn(loader)
    ((exposure, news),) = loader.asked(
        "SELECT exposure_hours, news FROM ops.news_curve "
        "WHERE state = 'out_for_delivery at the destination' AND scope = 'DE>FR'"
    )
    assert exposure[:6] == pytest.approx([60, 60, 60, 60, 60 * 0.8, 0])
    assert news[:6] == [0, 0, 0, 0, 60, 0]
    # Of the arrivals in the country all have news (customs) within half a day; of those at the hub none has.
    ((worth, hub),) = loader.asked(
        "SELECT (SELECT sum(n) FROM ops.news_curve, unnest(news) AS n "
        "WHERE state = 'hub_departed at the origin' AND scope = 'DE>FR'), "
        "(SELECT sum(n) FROM ops.news_curve, unnest(news) AS n "
        "WHERE state = 'import_cleared at the destination' AND scope = 'DE>FR')"
    )
    assert worth == pytest.approx(60 * polling.LEAD_WORTH)
    assert hub == 0
    ((factor,),) = loader.asked("SELECT factor FROM ops.news_clock WHERE state = 'out_for_delivery at the destination'")
    assert max(range(48), key=lambda place: factor[place]) % 24 in {13, 1}, "07:00 UTC and 4.8 h, two hours ahead"


def test_curves_are_made_once_a_day(loader: Loader) -> None:
    learn(loader)
    with connections.connect() as link, link.cursor() as cursor:
        assert polling.refresh_curves(cursor, NOW + days(0.9)) is False
        assert polling.refresh_curves(cursor, NOW + days(1.1)) is True


def test_a_killed_run_s_plan_is_as_it_was(loader: Loader) -> None:
    follow(loader)
    ask(loader, event(at=NOW - HOUR, milestone="picked_up"))
    before = loader.asked("SELECT * FROM ops.poll_plan")
    run = loader.open("tracking_event", kind="pull", as_of=NOW + HOUR)
    due.plan(run, force=True)
    batch = loader.stage(run, "tracking_event", [event(at=NOW, milestone="hub_arrived")])

    def killed(*_: object) -> None:
        polling.replan_all(*_)  # type: ignore[arg-type]
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        loading.load(run, batch, loader.address, killed)
    assert loader.asked("SELECT * FROM ops.poll_plan") == before
    with connections.connect() as link:
        assert runs.find(link, run.run_id).run_id == run.run_id


def test_in_the_simulated_world_the_plan_spends_less_than_half_the_calls() -> None:
    """A small world, five days; the figures of the full one are in benchmarks/README.md."""
    found = bench.polling(days=5, per_day=30, history_days=40)
    assert found.calls_vs_flat <= 0.5
    assert found.planned_delay_hours <= found.flat_delay_hours
    assert sum(found.news.values()) > 100


def test_one_failure_does_not_silence_a_quiet_parcel(loader: Loader) -> None:
    follow(loader)
    told = event(at=NOW - days(1), milestone="out_for_delivery", country="FR")
    for hour in range(9):
        ask(loader, told, at=NOW + hour * HOUR, force=True)
    assert ask(loader, outcome="failed", at=NOW + 9 * HOUR, force=True)["hours"] == 1
    assert ask(loader, outcome="failed", at=NOW + 10 * HOUR, force=True)["hours"] == 1.5


def test_an_end_taken_back_leaves_the_state_of_the_event_before_however_old(loader: Loader) -> None:
    follow(loader, shipped_at=NOW - days(68))
    first = event(at=NOW - days(9), milestone="hub_arrived")
    ask(loader, first, event(at=NOW - HOUR, milestone="delivered", country="FR"))
    found = ask(loader, first, event(at=NOW - days(8.9), milestone="in_transit"), at=NOW + days(1))
    assert found["state"] == "in_transit at the origin" or found["state"] == "in_transit between"
    assert found["next_poll_at"] is not None


def test_what_was_not_asked_for_while_it_is_watched_is_watched_on(loader: Loader) -> None:
    follow(loader)
    ask(loader, event(at=NOW - HOUR, milestone="delivered", country="FR"))
    late = ask(loader, outcome="not_asked", at=NOW + days(1))
    assert late["next_poll_at"] == NOW + days(1)
    assert [shard.parcels for shard in due.plan(loader.open("tracking_event", kind="pull", as_of=NOW + days(1)))] == [1]


def test_a_small_budget_is_kept_to_not_only_slowed_down_for(loader: Loader, monkeypatch: pytest.MonkeyPatch) -> None:
    learn(loader)
    numbers = [f"LC{number:04}" for number in range(1, 41)]
    loader.shipments(*(shipment(number, number, origin_country="DE") for number in numbers))
    told = [event(number, NOW - HOUR, "import_cleared", country="FR") for number in numbers]
    account = '{"password": "key-of-mine", "host": "http://127.0.0.1:1", "extra": {"calls_per_day": 60}}'
    monkeypatch.setenv("AIRFLOW_CONN_LANECAST_DHL", account)
    for minute in range(4):
        ask(loader, *told, at=NOW + timedelta(minutes=minute), force=True)
    planned = "SELECT sum(86400 / extract(EPOCH FROM next_poll_at - last_polled_at)) FROM ops.poll_plan"
    ((calls,),) = loader.asked(f"{planned} WHERE next_poll_at > last_polled_at")
    assert calls < 60 * 1.25


def test_a_connection_that_can_not_be_used_stops_no_other_carrier(
    loader: Loader, monkeypatch: pytest.MonkeyPatch
) -> None:
    follow(loader)
    monkeypatch.setenv("AIRFLOW_CONN_LANECAST_UPS", '{"login": "me"}')
    monkeypatch.setenv("AIRFLOW_CONN_LANECAST_GLS", '{"login": "me", "password": "x", "extra": {"attempts": "many"}}')
    found = ask(loader, event(at=NOW - HOUR, milestone="picked_up"))
    assert found["source"] == "dhl"
    with pytest.raises(ValueError, match="no password"):
        due.plan(loader.open("tracking_event", kind="pull"), source="ups", numbers=["1Z999AA10123456784"])


def test_a_carrier_named_as_source_is_asked_for_its_own_parcels_alone(loader: Loader) -> None:
    follow(loader)
    assert due.plan(loader.open("tracking_event", kind="pull"), force=True, source="ups") == []
    assert len(due.plan(loader.open("tracking_event", kind="pull"), force=True, source="seventeentrack")) == 1


def test_a_parcel_heard_of_again_by_a_file_is_followed_again(loader: Loader) -> None:
    follow(loader)
    told = event(at=NOW - days(1), milestone="in_transit")
    ask(loader, told)
    late = NOW + polling.SILENCE
    assert ask(loader, told, at=late, force=True)["next_poll_at"] is None
    loader.events(event(at=late + HOUR, milestone="hub_arrived"), as_of=late + 2 * HOUR)
    (shard,) = due.plan(loader.open("tracking_event", kind="pull", as_of=late + 3 * HOUR))
    assert shard.parcels == 1
