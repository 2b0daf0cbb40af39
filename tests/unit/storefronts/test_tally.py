"""What came against what is held: the statement that a read is held to."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lanecast.storefronts.base import Facts, Incomplete, PageBroken, Seen, Step
from lanecast.storefronts.tally import MOST_STALE_PAGES, Tally

NOON = datetime(2026, 5, 20, 12, tzinfo=UTC)
MORE = Step("records", {})


def seen(*pairs: tuple[str, int | None]) -> list[Seen]:
    return [Seen(name, None if second is None else NOON + timedelta(seconds=second)) for name, second in pairs]


def test_records_of_the_last_moment_are_not_held_against_the_count_before_it() -> None:
    tally = Tally()
    tally.add(Facts(seen(("a", 0), ("b", 1), ("c", 2), ("d", 2)), MORE))
    assert (tally.fetched, tally.before_the_latest, tally.read_to) == (4, 2, NOON + timedelta(seconds=2))
    tally.check(2, "shop, orders")
    with pytest.raises(Incomplete, match=r"holds 3 records.*and 2 of them came"):
        tally.check(3, "shop, orders")


def test_a_record_that_comes_twice_counts_once_and_by_its_last_state() -> None:
    tally = Tally()
    tally.add(Facts(seen(("a", 0), ("b", 1)), MORE))
    tally.add(Facts(seen(("a", 5))))
    assert (tally.fetched, tally.before_the_latest) == (2, 1)


def test_nothing_came_and_something_is_held() -> None:
    with pytest.raises(Incomplete, match="holds 1 records, and 0 of them came"):
        Tally().check(1, "shop, orders")


def test_a_source_that_tells_no_count_is_not_held_to_one() -> None:
    Tally().check(None, "shop, orders")


def test_pages_that_repeat_end_the_read() -> None:
    tally = Tally()
    for _ in range(MOST_STALE_PAGES):
        tally.add(Facts(seen(("a", 0)), MORE))
    with pytest.raises(PageBroken, match="nothing new"):
        tally.add(Facts(seen(("a", 0)), MORE))


def test_the_last_page_may_be_empty() -> None:
    tally = Tally()
    for _ in range(MOST_STALE_PAGES + 2):
        tally.add(Facts([]))


def test_pages_without_end_are_ended() -> None:
    tally = Tally(told=3)
    for page in range(100):
        tally.add(Facts(seen(*((f"{page}-{n}", n) for n in range(100))), MORE))
    with pytest.raises(PageBroken, match="told of 3"):
        tally.add(Facts(seen(*((f"more-{n}", n) for n in range(100))), MORE))


@given(st.lists(st.tuples(st.sampled_from("abcdefgh"), st.integers(0, 5)), max_size=40), st.integers(1, 7))
def test_a_whole_read_always_passes(records: list[tuple[str, int]], size: int) -> None:
    """The shop's count before the last moment never exceeds what came, in whatever pages it came."""
    latest = dict(sorted(records, key=lambda one: one[1]))  # a shop shows the last state of each
    shown = sorted(latest.items(), key=lambda one: one[1])
    tally = Tally()
    for at in range(0, len(shown), size):
        tally.add(Facts(seen(*shown[at : at + size])))
    read_to = max(latest.values(), default=0)
    tally.check(sum(second < read_to for second in latest.values()), "shop")
    if len(latest) > tally.fetched - tally.before_the_latest:
        with pytest.raises(Incomplete):
            tally.check(tally.before_the_latest + 1, "shop")
