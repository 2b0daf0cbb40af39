"""Files as staged rows: each value typed, each unreadable one named, no row lost."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pyarrow as arrow
import pyarrow.parquet as parquet
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from lanecast.files.errors import FileError
from lanecast.files.importing import open_rows
from lanecast.files.targets import TARGETS
from lanecast.files.times import event_time_converter, timestamp_converter
from lanecast.files.values import Defect
from lanecast.tracking import event_hash
from lanecast.warehouse.staging import COLUMNS

EVENTS = "carrier,tracking_number,occurred_at,code,description,country,region,city\n"


def staged(
    dataset: str, content: str | bytes, folder: Path, mapping: str | None = None, name: str = "some.csv"
) -> list[dict[str, object]]:
    file = folder / name
    file.write_bytes(content.encode() if isinstance(content, str) else content)
    if mapping is not None:
        (folder / "shop.yaml").write_text(mapping)
    with open_rows(dataset, file, None if mapping is None else str(folder / "shop.yaml")) as rows:
        return named(dataset, list(rows))


def named(dataset: str, rows: Sequence[tuple[object, ...]]) -> list[dict[str, object]]:
    columns = COLUMNS[TARGETS[dataset].staged]
    return [dict(zip(columns, row, strict=True)) for row in rows]


def _minutes(offset: timedelta) -> timezone:
    return timezone(timedelta(minutes=offset // timedelta(minutes=1)))


def moment(value: object) -> datetime:
    assert isinstance(value, str)
    return datetime.fromisoformat(value)


def test_an_event_is_read_whole(tmp_path: Path) -> None:
    content = EVENTS + "UPS, 1z 999 aa1 ,2024-03-05T14:30:59+05:30,DP,Departed,germany,by,München\n"
    (row,) = staged("events", content, tmp_path)
    assert moment(row.pop("occurred_at")) == datetime(2024, 3, 5, 9, 0, 59, tzinfo=UTC)
    assert row == {
        "staged_row": 1,
        "carrier": "ups",
        "tracking_number": "1Z999AA1",
        "source": "ups",
        "code": "DP",
        "description": "Departed",
        "reported_at": "2024-03-05T14:30",
        "utc_offset_minutes": 330,
        "tz_known": "offset",
        "milestone": row["milestone"],
        "reason": None,
        "country": "DE",
        "region": "DE-BY",
        "city": "München",
        "event_hash": event_hash("ups", "DP", "Departed"),
        "is_mapped": False,
        "clock_disagrees": False,
        "raw_answer_id": None,
        "source_line": 2,
        "unreadable": None,
    }


@pytest.mark.parametrize(
    ("text", "reported", "occurred", "offset", "known"),
    [
        ("2024-03-05T14:30:59Z", "2024-03-05T14:30", "2024-03-05T14:30:59+00:00", 0, "utc"),
        ("2024-03-05 14:30:59 UTC", "2024-03-05T14:30", "2024-03-05T14:30:59+00:00", 0, "utc"),
        ("2024-03-05T14:30:59", "2024-03-05T14:30", "2024-03-05T14:30:59+00:00", 0, "assumed"),
        ("2024-03-05", "2024-03-05T00:00", "2024-03-05T00:00:00+00:00", 0, "assumed"),
        ("2024-03-05T14:30", "2024-03-05T14:30", "2024-03-05T14:30:00+00:00", 0, "assumed"),
        ("2024-03-05T14:30:59.123456-08:00", "2024-03-05T14:30", "2024-03-05T22:30:59.123456+00:00", -480, "offset"),
        ("2024-03-05T14:30:59 -0800", "2024-03-05T14:30", "2024-03-05T22:30:59+00:00", -480, "offset"),
        ("2024-03-05T10+01:00", "2024-03-05T10:00", "2024-03-05T09:00:00+00:00", 60, "offset"),
        (" 2024-03-05T14:30:59+00:00 ", "2024-03-05T14:30", "2024-03-05T14:30:59+00:00", 0, "offset"),
    ],
)
def test_times_of_events(tmp_path: Path, text: str, reported: str, occurred: str, offset: int, known: str) -> None:
    orders = "order_id,ordered_at,product_id,quantity\n" + f"A,{text},P,1\n" * 3
    for row in staged("orders", orders, tmp_path):
        assert row["ordered_at"] == datetime.fromisoformat(occurred).isoformat()
    for row in staged("events", EVENTS + f"ups,A1,{text},DP,,,,\n" * 3, tmp_path):
        assert str(row["reported_at"]).replace(" ", "T") == reported
        assert moment(row["occurred_at"]) == datetime.fromisoformat(occurred)
        assert (row["utc_offset_minutes"], row["tz_known"], row["unreadable"]) == (offset, known, None)


@pytest.mark.parametrize(
    "text",
    [
        *(
            "yesterday",
            "1709649059",
            "20240305",
            "2024-W01-1T10:10:10",
            "2024-13-01T00:00:00",
            "2024-02-30",
            "05.03.2024",
        ),
        *(
            "2024-03-05T25:00:00",
            "2024-03-05T14:30:59+15:00",
            "2024-03-05T14:30:59+01:00:30",
            "0001-01-01T00:00:00+25:00",
        ),
        *("2024-03-05T14:30:5", "2024-03-05x14:30:59", "٢٠٢٤-03-05T14:30:59", "2024-03-05T14:30:61Z"),
    ],
)
def test_times_that_are_none_are_named_with_their_text(tmp_path: Path, text: str) -> None:
    content = EVENTS + f"ups,A1,2024-03-05T14:30:59,DP,,,,\nups,A1,{text},DP,,,,\n"
    _, row = staged("events", content, tmp_path)
    assert row["occurred_at"] is None
    assert row["reported_at"] is None
    assert str(row["unreadable"]).startswith(f"occurred_at: '{text}' (")
    assert row["tracking_number"] == "A1"
    content = f"order_id,ordered_at,product_id,quantity\nA,2024-03-05T14:30:59,P,1\nA,{text},P,1\n"
    _, row = staged("orders", content, tmp_path)
    assert row["ordered_at"] is None
    assert str(row["unreadable"]).startswith(f"ordered_at: '{text}' (")


@pytest.mark.parametrize("text", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-05:00"])
def test_times_beyond_the_calendar_are_unreadable(tmp_path: Path, text: str) -> None:
    usual = f"2024-03-05T14:30:59{text[19:]}"
    for read in (timestamp_converter(UTC), event_time_converter(UTC)):
        for told in (text, usual, text):  # the second time on the fast way
            if told is usual:
                assert read(told)
                continue
            with pytest.raises(Defect, match="out of the calendar"):
                read(told)
    content = "order_id,ordered_at,product_id,quantity\n" + f"A,{text},P,1\n" * 2
    rows = staged("orders", content, tmp_path) + staged("events", EVENTS + f"ups,A1,{text},DP,,,,\n" * 2, tmp_path)
    assert [str(row["unreadable"]).endswith("(out of the calendar)") for row in rows] == [True] * 4


@settings(max_examples=300, deadline=None)
@given(
    st.datetimes(
        datetime(1950, 1, 1),  # noqa: DTZ001 (before, clocks were minutes and seconds off)
        timezones=st.timezones() | st.timedeltas(-timedelta(hours=14), timedelta(hours=14)).map(_minutes),
    ),
    st.sampled_from(["T", " "]),
    st.sampled_from(["auto", "seconds", "minutes"]),
)
def test_both_ways_to_read_a_time_agree(moment: datetime, between: str, precision: str) -> None:
    text = moment.isoformat(between, precision)
    read, read_event = timestamp_converter(UTC), event_time_converter(UTC)
    for _ in range(2):  # the second time on the fast way, where there is one
        try:
            expected = datetime.fromisoformat(text).astimezone(UTC)
            assume((moment.utcoffset() or timedelta()).total_seconds() % 60 == 0)
        except OverflowError:
            return
        assert datetime.fromisoformat(read(text) or "") == expected
        reported, occurred, offset, known = read_event(text) or ("", "", 0, "")
        assert datetime.fromisoformat(occurred) == expected
        assert reported.replace("T", " ") == f"{moment:%H:%M}".join([f"{moment.date()} ", ""])
        assert (timedelta(minutes=offset), known) == (moment.utcoffset(), "offset")


def test_a_named_zone_knows_summer_time(tmp_path: Path) -> None:
    mapping = """
timezone: Europe/Berlin
datasets:
  events:
    columns: {carrier: {value: DHL}, tracking_number: n, occurred_at: at, description: text}
"""
    rows = staged("events", "n,at,text\nA,2024-01-05 10:00:00,x\nA,2024-07-05 10:00:00,x\n", tmp_path, mapping)
    assert [row["utc_offset_minutes"] for row in rows] == [60, 120]
    assert [moment(row["occurred_at"]).astimezone(UTC).hour for row in rows] == [9, 8]
    assert {row["tz_known"] for row in rows} == {"assumed"}


def test_a_milestone_told_by_the_file_wins_and_must_be_canonical(tmp_path: Path) -> None:
    head = EVENTS.strip() + ",milestone\n"
    rows = staged(
        "events",
        head + "zz,A,2024-01-01,X,,,,,Delivered\nzz,A,2024-01-01,X,,,,,\nzz,A,2024-01-01,X,,,,,gone\n",
        tmp_path,
    )
    assert [row["milestone"] for row in rows] == ["delivered", "in_transit", None]
    assert "milestone: 'gone'" in str(rows[2]["unreadable"])


def test_milestones_follow_the_carriers_code_table(tmp_path: Path) -> None:
    from lanecast.carriers.status import status_table

    code, status = next(
        (code, status) for code, status in status_table("fedex").codes.items() if status.milestone == "delivered"
    )
    (row,) = staged("events", EVENTS + f"fedex,A,2024-01-01,{code},,,,\n", tmp_path)
    assert (row["milestone"], row["reason"]) == (status.milestone, status.reason)


@pytest.mark.parametrize("number", ["📦123", "12\x0734", "12\u200b34", "Ａ123", "x" * 65])
def test_numbers_with_odd_characters_are_unreadable(tmp_path: Path, number: str) -> None:
    (row,) = staged("events", EVENTS + f"ups,{number},2024-01-01,DP,,,,\n", tmp_path)
    assert row["tracking_number"] is None
    assert str(row["unreadable"]).startswith("tracking_number: '")


def test_several_unreadable_values_are_all_named_and_cut(tmp_path: Path) -> None:
    (row,) = staged("events", EVENTS + f"ДХЛ,{'é' * 500},soon,DP,,,,\n", tmp_path)
    told = str(row["unreadable"])
    assert [part.partition(":")[0] for part in told.split("; ")] == ["carrier", "tracking_number", "occurred_at"]
    assert "é" * 200 in told
    assert "é" * 201 not in told
    assert row["event_hash"] is None


SHIPMENTS = "order_id,tracking_number,carrier,destination_country,ordered_at,delivered_at,weight,Colour\n"


def test_shipments_keep_extra_columns_as_features(tmp_path: Path) -> None:
    rows = staged(
        "shipments",
        SHIPMENTS + 'A,,,brazil,2024-01-01,2024-01-09 12:00:00-03:00,1.5,"re""d"\n,T1,,Atlantis,2024-01-01,,,\n',
        tmp_path,
    )
    first, second = rows
    assert json.loads(str(first["attributes"])) == {"weight": "1.5", "Colour": 're"d'}
    assert (first["carrier"], first["destination_country"], first["origin_country"]) == ("unknown", "BR", None)
    assert moment(first["delivered_at"]) == datetime(2024, 1, 9, 15, tzinfo=UTC)
    assert (second["carrier"], second["destination_country"], second["attributes"]) == (None, "ATLANTIS", None)


def test_a_carrier_that_can_not_be_read_is_not_taken_for_unknown(tmp_path: Path) -> None:
    (row,) = staged("shipments", SHIPMENTS + "A,,🐎,BR,2024-01-01,,,\n", tmp_path)
    assert row["carrier"] is None
    assert str(row["unreadable"]).startswith("carrier: '🐎'")


@pytest.mark.parametrize(
    ("dataset", "header", "missing"),
    [
        ("shipments", "tracking_number,ordered_at", "destination_country"),
        ("shipments", "destination_country,ordered_at", "order_id or tracking_number"),
        ("events", "carrier,tracking_number,code", "occurred_at"),
        ("orders", "order_id,ordered_at,product_id", "quantity"),
        ("interactions", "product_id,occurred_at", "kind"),
    ],
)
@pytest.mark.parametrize("json_lines", [False, True])
def test_a_missing_column_is_a_clear_error(
    tmp_path: Path, dataset: str, header: str, missing: str, json_lines: bool
) -> None:
    content = header + "\n"
    if json_lines:
        content = json.dumps(dict.fromkeys(header.split(","), "x"))
    with pytest.raises(FileError) as caught:
        staged(dataset, content, tmp_path)
    told = str(caught.value)
    assert f"'{missing}'" in told
    assert header.replace(",", ", ") in told
    assert "--mapping" in told


def test_a_mapped_column_that_is_missing_names_mapping_and_column(tmp_path: Path) -> None:
    mapping = "datasets: {orders: {columns: {order_id: id, ordered_at: at, product_id: sku, quantity: {value: 1}}}}"
    with pytest.raises(FileError, match=r"no column 'sku' \(asked for by mapping shop.yaml, product_id\).*id, at"):
        staged("orders", "id,at\n1,2024-01-01\n", tmp_path, mapping)


def test_headers_may_differ_in_case(tmp_path: Path) -> None:
    (row,) = staged("orders", "Order ID,ORDERED_AT,Product_id,quantity\nA,2024-01-01,P,2.50\n", tmp_path)
    assert (row["order_id"], row["product_id"], row["quantity"]) == ("A", "P", "2.5")


def test_sentinels_values_templates_and_formats(tmp_path: Path) -> None:
    mapping = r"""
sentinels: ["n/a"]
datasets:
  shipments:
    keep_extra: true
    drop: [secret]
    columns:
      order_id: id
      destination_country: {value: BR}
      destination_region: {template: "BR-{state}"}
      ordered_at: {from: at, formats: ["%d.%m.%Y", iso]}
      milestone: {from: state of things, values: {gone: cancelled}}
    features:
      weight: {from: kg, number: true, sentinel_patterns: ['See \d+']}
"""
    rows = staged(
        "shipments",
        "id,state,at,state of things,kg,secret,more\n"
        "1,sp,05.03.2024,gone,1.50,x,m\n2,,2024-03-05,n/a,See 12,x,\n3,SP,n/a,,heavy,x,\n4,RJ,03/05/24,,1,x,\n",
        tmp_path,
        mapping,
    )
    assert [row["destination_region"] for row in rows] == ["BR-SP", None, "BR-SP", "BR-RJ"]
    assert [row["milestone"] for row in rows] == ["cancelled", None, None, None]
    assert [str(row["ordered_at"])[:10] for row in rows] == ["2024-03-05", "2024-03-05", "None", "None"]
    assert [row["attributes"] and json.loads(str(row["attributes"])) for row in rows] == [
        *({"weight": 1.5, "more": "m"}, None, None, {"weight": 1})
    ]
    assert rows[2]["unreadable"] == "weight: 'heavy' (not a number with a decimal point)"
    assert str(rows[3]["unreadable"]).startswith("ordered_at: '03/05/24' (not a time written as %d.%m.%Y or iso")


def test_a_pattern_stands_for_all_texts_of_its_kind(tmp_path: Path) -> None:
    mapping = """
datasets:
  products:
    columns:
      product_id: id
      category: {from: id, values: {POST: postage}, value_patterns: {"[A-Z]+": service, "[0-9]+": "", ".*": other}}
      is_available: {from: id, value_patterns: {"[A-Z]+": "no", "[0-9]": "Yes", "[0-9]{2}": ""}}
"""
    rows = staged("products", "id\nPOST\nFEE\n7\n77\na7\n", tmp_path, mapping)
    assert [row["category"] for row in rows] == ["postage", "service", None, None, "other"]
    assert [row["is_available"] for row in rows] == [False, False, True, None, None]
    assert [row["unreadable"] for row in rows] == [*[None] * 4, "is_available: 'a7' (neither true nor false)"]


def test_an_order_tells_where_it_goes_and_when_something_came_back(tmp_path: Path) -> None:
    rows = staged(
        "orders",
        "order_id,ordered_at,product_id,quantity,customer_id,country,region,occurred_at\n"
        "A,2024-01-01,P,2,13085.0,Brazil,SP,\nA,2024-01-01,P,-1,13085,BR,,2024-01-09\n",
        tmp_path,
    )
    told = [(row["customer_id"], row["country"], row["region"], row["occurred_at"]) for row in rows]
    assert told == [("13085", "BR", "BR-SP", None), ("13085", "BR", None, "2024-01-09T00:00:00+00:00")]


def test_numbers(tmp_path: Path) -> None:
    texts = ["1", "-1.50", "1e3", ".5", "0.000", "", "1,5", "NaN", "inf", "1e999", "0x1", "١", "1_000"]
    content = "order_id;ordered_at;product_id;quantity\n" + "".join(f"A;2024-01-01;P;{text}\n" for text in texts)
    rows = staged("orders", content, tmp_path)
    assert [row["quantity"] for row in rows] == ["1", "-1.5", "1000", "0.5", "0", None, *[None] * 7]
    assert [row["unreadable"] is None for row in rows] == [True] * 6 + [False] * 7


INTERACTIONS = "customer_id,product_id,kind,occurred_at,quantity,value,order_id\n"


def test_identical_interactions_are_several_and_the_same_file_is_the_same(tmp_path: Path) -> None:
    content = INTERACTIONS + "C,P,view,2024-01-01T10:00:00Z,1,2.0,\n" * 3 + "C,P,view,2024-01-01T11:00:00Z,1,2.0,\n"
    first = [row["interaction_hash"] for row in staged("interactions", content, tmp_path)]
    again = [row["interaction_hash"] for row in staged("interactions", content, tmp_path)]
    assert first == again
    assert len(set(first)) == 4


def test_an_interaction_written_in_another_way_is_the_same(tmp_path: Path) -> None:
    first = staged("interactions", INTERACTIONS + "C,P,view,2024-01-01T10:00:00Z,1,2.0,\n", tmp_path)
    record = {"customer_id": "C", "product_id": "P", "kind": "View", "occurred_at": "2024-01-01 11:00+01:00"}
    lines = json.dumps(record | {"quantity": 1, "value": 2})
    second = staged("interactions", lines, tmp_path, name="some.jsonl")
    assert first[0]["interaction_hash"] == second[0]["interaction_hash"]


def test_one_table_in_three_formats_gives_the_same_rows(tmp_path: Path) -> None:
    records = [
        {
            "order_id": f"o{row}",
            "tracking_number": "",
            "destination_country": "DE",
            "ordered_at": "2024-01-01T00:00:00Z",
        }
        for row in range(50)
    ]
    comma = ",".join(records[0]) + "\n" + "".join(",".join(record.values()) + "\n" for record in records)
    lines = "".join(json.dumps(record) + "\n" for record in records)
    parquet.write_table(arrow.Table.from_pylist(records), tmp_path / "some.parquet")
    given = [
        staged("shipments", comma, tmp_path),
        staged("shipments", lines, tmp_path, name="x.jsonl"),
        staged("shipments", (tmp_path / "some.parquet").read_bytes(), tmp_path, name="x.parquet"),
    ]
    for rows in given:
        for row in rows:
            row.pop("source_line")
    assert given[0] == given[1] == given[2]


def test_an_optional_column_that_json_tells_late_is_read(tmp_path: Path) -> None:
    base = {"order_id": "A", "destination_country": "DE", "ordered_at": "2024-01-01"}
    records = [base] * 200 + [base | {"delivered_at": "2024-01-05", "colour": "red"}]
    rows = staged("shipments", "".join(json.dumps(record) + "\n" for record in records), tmp_path)
    assert rows[0]["delivered_at"] is None
    assert str(rows[-1]["delivered_at"])[:10] == "2024-01-05"
    assert json.loads(str(rows[-1]["attributes"])) == {"colour": "red"}


_ANY = st.text(max_size=12).map(lambda text: text.replace("\0", ""))


@settings(max_examples=200, deadline=None)
@given(st.sampled_from(sorted(TARGETS)), st.lists(st.lists(_ANY, max_size=13), max_size=6))
def test_any_values_give_one_row_each(
    tmp_path_factory: pytest.TempPathFactory, dataset: str, records: list[list[str]]
) -> None:
    columns = TARGETS[dataset].columns
    lines = [json.dumps(dict.fromkeys(columns, ""))]
    lines += [json.dumps(dict(zip(columns, record, strict=False))) for record in records]
    rows = staged(dataset, "\n".join(lines), tmp_path_factory.getbasetemp(), name="any.jsonl")
    assert [row["staged_row"] for row in rows] == list(range(1, len(lines) + 1))
    assert [row["source_line"] for row in rows] == list(range(1, len(lines) + 1))


def test_regions_are_made_iso_3166_2_where_they_are_known(tmp_path: Path) -> None:
    texts = [("BR", "sp"), ("BR", "BR-SP"), ("BR", "somewhere else"), ("", "SP")]
    rows = staged("events", EVENTS + "".join(f"ups,A123,2024-01-01,DP,,{c},{r},\n" for c, r in texts), tmp_path)
    assert [row["region"] for row in rows] == ["BR-SP", "BR-SP", "SOMEWHERE ELSE", "SP"]
