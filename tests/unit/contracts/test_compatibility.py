"""Changes of contracts: what breaks readers needs a higher major version, what adds a higher minor one, and every
version is in the record."""

from __future__ import annotations

import json
import shutil
import subprocess
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner, Result
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from lanecast import settings
from lanecast.cli import cli
from lanecast.contracts import compatibility
from lanecast.contracts.compatibility import Argument, Column, Interface, Keeper, Published, Version, compare, type_step
from lanecast.contracts.reader import ContractError

DAY = date(2026, 3, 1)
OLD = Interface(
    version="1.2.3",
    status="active",
    name="mart.pace",
    kind="function",
    grain="One row per lane.",
    key=("lane",),
    columns=(
        Column("lane", "text", required=True),
        Column("n", "bigint", required=True, unit="parcels"),
        Column("mean", "numeric(10,2)", unit="days"),
        Column("seen_at", "timestamp with time zone"),
    ),
    arguments=(Argument("origin", "text"), Argument("days", "integer", "90")),
    rules=(Keeper("lane_known", "row"), Keeper("many_lanes", "batch")),
)
RECORD = {"pace": Published(OLD, (Version("1.2.3", DAY, ("the dataset is new",)),))}


def column(which: str, **changes: Any) -> Interface:
    return replace(OLD, columns=tuple(replace(one, **changes) if one.name == which else one for one in OLD.columns))


BREAKING = {
    "column gone": (replace(OLD, columns=OLD.columns[:-1]), "column seen_at is gone"),
    "column renamed": (column("mean", name="average"), "column mean is gone"),
    "bigint to integer": (column("n", type="integer"), "column n was narrowed from bigint to integer"),
    "bigint to numeric": (column("n", type="numeric"), "column n changed from bigint to numeric"),
    "time to date": (column("seen_at", type="date"), "column seen_at changed"),
    "time loses its zone": (column("seen_at", type="timestamp without time zone"), "column seen_at changed"),
    "time loses precision": (column("seen_at", type="timestamp(0) with time zone"), "column seen_at was narrowed"),
    "text gets a limit": (column("lane", type="character varying(9)"), "column lane was narrowed"),
    "fewer digits": (column("mean", type="numeric(9,2)"), "column mean was narrowed"),
    "digits moved behind the point": (column("mean", type="numeric(10,3)"), "column mean changed"),
    "text to array": (column("lane", type="text[]"), "column lane changed from text to text[]"),
    "may be empty": (column("n", required=False), "column n may now be empty"),
    "another unit": (column("mean", unit="hours"), "column mean was in days, is in hours"),
    "no unit": (column("mean", unit=None), "column mean was in days, is in None"),
    "grain": (replace(OLD, grain="One row per lane and carrier."), "grain was “One row per lane.”"),
    "key": (replace(OLD, key=("lane", "n")), "key was (lane), is (lane, n)"),
    "order": (replace(OLD, columns=OLD.columns[::-1]), "columns have another order"),
    "new column in the middle": (
        replace(OLD, columns=(OLD.columns[0], Column("new", "text"), *OLD.columns[1:])),
        "columns have another order",
    ),
    "another name": (replace(OLD, name="mart.speed"), "mart.pace is mart.speed now"),
    "another kind": (replace(OLD, kind="view"), "a function became a view"),
    "argument gone": (replace(OLD, arguments=OLD.arguments[:1]), "argument days is gone"),
    "argument renamed": (
        replace(OLD, arguments=(Argument("source", "text"), OLD.arguments[1])),
        "argument origin is gone",
    ),
    "arguments reordered": (replace(OLD, arguments=OLD.arguments[::-1]), "arguments have another order"),
    "argument that must be given": (
        replace(OLD, arguments=(*OLD.arguments, Argument("carrier", "text"))),
        "argument carrier text is new",
    ),
    "argument in the middle": (
        replace(OLD, arguments=(OLD.arguments[0], Argument("carrier", "text", "NULL"), OLD.arguments[1])),
        "arguments have another order",
    ),
    "argument without its default": (
        replace(OLD, arguments=(OLD.arguments[0], Argument("days", "integer"))),
        "argument days had 90, has none",
    ),
    "another default": (
        replace(OLD, arguments=(OLD.arguments[0], Argument("days", "integer", "30"))),
        "argument days had 90, has 30",
    ),
    "argument narrowed": (
        replace(OLD, arguments=(OLD.arguments[0], Argument("days", "smallint", "90"))),
        "argument days changed from integer to smallint",
    ),
}

ADDITIVE = {
    "column at the end": replace(OLD, columns=(*OLD.columns, Column("new", "text"))),
    "wider integer": replace(
        OLD, arguments=(OLD.arguments[0], Argument("days", "bigint", "90"))
    ),
    "more digits": column("mean", type="numeric(12,3)"),
    "no limit of digits": column("mean", type="numeric"),
    "never empty": column("mean", required=True),
    "a unit": column("seen_at", unit="UTC"),
    "argument with a default": replace(OLD, arguments=(*OLD.arguments, Argument("carrier", "text", "NULL"))),
    "new rule": replace(OLD, rules=(*OLD.rules, Keeper("n_positive", "row"))),
    "rule gone": replace(OLD, rules=OLD.rules[:1]),
    "rule of another severity": replace(OLD, rules=(Keeper("lane_known", "batch"), OLD.rules[1])),
}  # fmt: skip


@pytest.mark.parametrize("change", BREAKING)
def test_what_breaks_readers_needs_a_major_version(change: str) -> None:
    new, told = BREAKING[change]
    assert any(one.breaks and one.what.startswith(told) for one in compare(OLD, new))
    for version in ("1.2.3", "1.2.4", "1.3.0", "0.9.0"):
        refused = compatibility.check(RECORD, {"pace": replace(new, version=version)})
        assert any(one.startswith(f"pace: {told}") for one in refused)
        assert all(one.endswith(f"this breaks readers; version {version} must be 2.0.0") for one in refused)
        with pytest.raises(ContractError, match="this breaks readers"):
            compatibility.published_now(RECORD, {"pace": replace(new, version=version)}, DAY)
    allowed = {"pace": replace(new, version="2.0.0")}
    assert "not published" in compatibility.check(RECORD, allowed)[0]
    after = compatibility.published_now(RECORD, allowed, date(2026, 4, 1))
    assert compatibility.check(after, allowed) == []
    assert [version.version for version in after["pace"].history] == ["1.2.3", "2.0.0"]
    assert any(one.startswith(told) for one in after["pace"].history[-1].changes)


@pytest.mark.parametrize("change", ADDITIVE)
def test_what_adds_needs_a_minor_version(change: str) -> None:
    new = ADDITIVE[change]
    assert [one.breaks for one in compare(OLD, new)] == [False]
    assert compatibility.check(RECORD, {"pace": replace(new, version="1.2.4")})[0].endswith(
        "version 1.2.4 must be at least 1.3.0"
    )
    for version in ("1.3.0", "2.0.0"):
        after = compatibility.published_now(RECORD, {"pace": replace(new, version=version)}, DAY)
        assert compatibility.check(after, {"pace": replace(new, version=version)}) == []


def test_rules_that_only_warn_change_nothing_for_readers(home: Path) -> None:
    path = home / "include" / "contracts" / "interaction.yaml"
    before = compatibility.of_today()["interaction"]
    names = {rule.name: rule.severity for rule in before.rules or ()}
    assert {"row", "batch"} == set(names.values())
    terms = yaml.safe_load(path.read_text(encoding="utf-8"))
    rules = terms["schema"][0]["quality"]
    (warned, *_) = [rule for rule in rules if rule["severity"] == "row"]
    warned["severity"] = "warn"
    path.write_text(yaml.safe_dump(terms, sort_keys=False), encoding="utf-8")
    after = compatibility.of_today()["interaction"]
    assert [one.what for one in compare(before, after)] == [f"rule {warned['name']} is gone, or only warns now"]
    warned["description"] = "In other words."
    path.write_text(yaml.safe_dump(terms, sort_keys=False), encoding="utf-8")
    assert compare(after, compatibility.of_today()["interaction"]) == []


def test_a_record_without_rules_is_compared_without_them() -> None:
    assert compare(replace(OLD, rules=None), OLD) == []


def test_columns_of_a_table_have_no_order_for_readers() -> None:
    table = replace(OLD, kind="table", arguments=())
    assert compare(table, replace(table, columns=table.columns[::-1])) == []


def test_a_version_goes_up_and_is_published_even_where_no_column_changed() -> None:
    assert compatibility.check(RECORD, {"pace": OLD}) == []
    assert "is lower than 1.2.3" in compatibility.check(RECORD, {"pace": replace(OLD, version="1.2.2")})[0]
    assert "not published" in compatibility.check(RECORD, {"pace": replace(OLD, version="1.2.4")})[0]


def test_a_dataset_goes_only_after_it_was_retired() -> None:
    assert compatibility.check(RECORD, {}) == [
        "pace: the dataset is gone, and was not published as `status: retired` before"
    ]
    retired = compatibility.published_now(RECORD, {"pace": replace(OLD, status="retired", version="2.0.0")}, DAY)
    assert retired["pace"].history[-1].changes == ("status was active, is retired",)
    assert compatibility.check(retired, {}) == [
        "pace: the dataset is gone: not published, run `lanecast contract publish`"
    ]
    gone = compatibility.published_now(retired, {}, DAY)
    assert compatibility.check(gone, {}) == []
    assert [version.version for version in gone["pace"].history] == ["1.2.3", "2.0.0", "2.0.0"]
    assert "lower than 2.0.0" in compatibility.check(gone, {"pace": OLD})[0], "it does not come back as something older"


def test_the_record_is_read_as_it_was_written() -> None:
    new = replace(OLD, version="2.0.0", grain='One row per “lane”: é \\ "q" {x}.', columns=())
    for record in (RECORD, {}, compatibility.published_now(RECORD, {"pace": new, "other": new}, DAY)):
        text = compatibility.dump(record)
        assert compatibility.parse(text) == record
        json.loads(text)
    with pytest.raises(ContractError, match="last committed state"):
        compatibility.parse("{")


# ------------------------------------------------------------------------------------------------------ identities

SIZES = st.integers(1, 40)
TYPES = st.one_of(
    st.sampled_from(
        [
            *("smallint", "integer", "int", "bigint", "real", "double precision", "numeric", "text", "varchar", "date"),
            *("boolean", "jsonb", "json", "uuid", "timestamp with time zone", "timestamp", "timestamptz", "interval"),
            *("time without time zone", "bytea", "core.mood"),
        ]
    ),
    SIZES.map(lambda size: f"character varying({size})"),
    SIZES.map(lambda size: f"character({size})"),
    st.integers(0, 6).map(lambda size: f"timestamp({size}) with time zone"),
    st.tuples(SIZES, st.integers(0, 10)).map(lambda sizes: f"numeric({sizes[0] + sizes[1]},{sizes[1]})"),
).flatmap(lambda type_: st.sampled_from([type_, f"{type_}[]"]))
COLUMNS = st.builds(
    Column,
    name=st.sampled_from("abcdefgh"),
    type=TYPES,
    required=st.booleans(),
    unit=st.sampled_from([None, "days", "hours"]),
)
INTERFACES = st.builds(
    Interface,
    version=st.just("1.0.0"),
    status=st.just("active"),
    name=st.sampled_from(["mart.a", "mart.b"]),
    kind=st.sampled_from(["table", "view", "function"]),
    grain=st.sampled_from(["One row per a.", "One row per b."]),
    key=st.lists(st.sampled_from("abcdefgh"), unique=True, max_size=2).map(tuple),
    columns=st.lists(COLUMNS, unique_by=lambda one: one.name, min_size=1).map(tuple),
    arguments=st.lists(
        st.builds(Argument, name=st.sampled_from("xyz"), type=TYPES, default=st.sampled_from([None, "1"])),
        unique_by=lambda one: one.name,
    ).map(tuple),
    rules=st.lists(
        st.builds(Keeper, name=st.sampled_from("pqr"), severity=st.sampled_from(["row", "batch"])),
        unique_by=lambda one: one.name,
    ).map(tuple),
)
OPPOSITE = {"same": "same", "wider": "narrower", "narrower": "wider", "other": "other"}


@given(TYPES, TYPES)
def test_narrowing_is_widening_the_other_way(one: str, other: str) -> None:
    assert type_step(other, one) == OPPOSITE[type_step(one, other)]
    assert type_step(one, one) == "same"


@given(TYPES, TYPES, TYPES)
def test_widening_twice_is_widening(one: str, other: str, third: str) -> None:
    steps = {type_step(one, other), type_step(other, third)}
    if steps == {"wider"} or steps == {"wider", "same"}:
        assert type_step(one, third) == "wider"


@given(INTERFACES)
def test_nothing_changed_is_no_change(interface: Interface) -> None:
    assert compare(interface, interface) == []


@given(INTERFACES, st.data())
def test_taking_a_column_out_always_breaks(interface: Interface, data: st.DataObject) -> None:
    gone = data.draw(st.sampled_from(interface.columns))
    changes = compare(interface, replace(interface, columns=tuple(c for c in interface.columns if c != gone)))
    assert [(one.what, one.breaks) for one in changes] == [(f"column {gone.name} is gone", True)]


@given(INTERFACES, TYPES)
def test_a_nullable_column_at_the_end_never_breaks(interface: Interface, type_: str) -> None:
    changes = compare(interface, replace(interface, columns=(*interface.columns, Column("new", type_))))
    assert [one.breaks for one in changes] == [False]


@given(INTERFACES, INTERFACES)
def test_what_differs_is_told_both_ways(one: Interface, other: Interface) -> None:
    assert bool(compare(one, other)) == bool(compare(other, one))


@given(INTERFACES)
def test_any_record_is_read_as_it_was_written(interface: Interface) -> None:
    record = {"one": Published(interface, (Version("1.0.0", DAY, ("new",)),))}
    assert compatibility.parse(compatibility.dump(record)) == record


# ----------------------------------------------------------------------------------------------------- the command


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the contracts, as a git repository with one commit on main."""
    shutil.copytree(settings.include() / "contracts", tmp_path / "include" / "contracts")
    monkeypatch.setenv("LANECAST_HOME", str(tmp_path))
    for variable, value in (("GIT_CONFIG_GLOBAL", "/dev/null"), ("GIT_CONFIG_NOSYSTEM", "1"), ("HOME", str(tmp_path))):
        monkeypatch.setenv(variable, value)
    git(tmp_path, "init", "-q", "-b", "main")
    lanecast("publish")
    commit(tmp_path)
    return tmp_path


def git(folder: Path, *arguments: str) -> None:
    if shutil.which("git") is None:
        pytest.skip("git is not installed")
    subprocess.run(["git", "-C", str(folder), *arguments], check=True, capture_output=True)


def commit(folder: Path) -> None:
    git(folder, "add", ".")
    git(folder, "-c", "user.name=a", "-c", "user.email=a@b.c", "commit", "-qm", "a")


def lanecast(*arguments: str) -> Result:
    return CliRunner().invoke(cli, ["contract", *arguments])


def narrow(home: Path, version: str | None = None) -> None:
    path = home / "include" / "contracts" / "delivery_time.yaml"
    document = yaml.safe_load(path.read_text(encoding="utf-8"))
    document["schema"][0]["properties"][8]["physicalType"] = "integer"
    document["version"] = version or document["version"]
    path.write_text(yaml.safe_dump(document, sort_keys=False), encoding="utf-8")


def test_this_checkout_s_contracts_are_published() -> None:
    done = lanecast("check")
    assert done.exit_code == 0, done.output


def test_the_check_fails_until_version_and_record_say_what_changed(home: Path) -> None:
    assert lanecast("check").exit_code == 0
    narrow(home)
    done = lanecast("check")
    assert done.exit_code == 1
    assert "delivery_time: column n was narrowed from bigint to integer: this breaks readers" in done.output
    assert "1 problem\n" in done.output
    before = compatibility.path().read_text(encoding="utf-8")
    assert lanecast("publish").exit_code == 1
    assert compatibility.path().read_text(encoding="utf-8") == before, "nothing is written where one thing is refused"
    narrow(home, "2.0.0")
    assert "not published, run `lanecast contract publish`" in lanecast("check").output
    done = lanecast("publish")
    assert "delivery_time 2.0.0: column n was narrowed from bigint to integer" in done.output
    assert lanecast("check").exit_code == 0
    assert "nothing to publish" in lanecast("publish").output


def test_editing_contract_and_record_together_is_seen_against_a_branch(home: Path) -> None:
    git(home, "checkout", "-qb", "work")
    narrow(home)
    compatibility.path().unlink()
    lanecast("publish")
    commit(home)
    assert lanecast("check").exit_code == 0, "the record was made anew: by itself it looks sound"
    done = lanecast("check", "--against", "main", "--json")
    assert done.exit_code == 1
    assert json.loads(done.output)["problems"] == [
        "delivery_time: column n was narrowed from bigint to integer: this breaks readers; version "
        "1.1.0 must be 2.0.0 (since main)"
    ]


def test_what_a_branch_got_since_is_no_fault_of_this_one(home: Path) -> None:
    git(home, "branch", "work")
    narrow(home, "2.0.0")
    lanecast("publish")
    commit(home)
    git(home, "checkout", "-q", "work")
    assert lanecast("check", "--against", "main").exit_code == 0


def test_where_nothing_can_be_compared_with_it_says_so_and_passes(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    done = lanecast("check", "--against", "origin/main")
    assert (done.exit_code, "not compared with origin/main: " in done.output) == (0, True)
    shutil.rmtree(home / ".git")
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(home.parent))
    done = lanecast("check", "--against", "main")
    assert (done.exit_code, "not a git repository" in done.output) == (0, True)
    monkeypatch.setenv("PATH", "")
    done = lanecast("check", "--against", "main")
    assert (done.exit_code, "git is not installed" in done.output) == (0, True)


def test_the_list_names_each_dataset_with_its_version(home: Path) -> None:
    narrow(home, "2.0.0")
    told = {one["dataset"]: one for one in json.loads(lanecast("list", "--json").output)["contracts"]}
    assert (told["delivery_time"]["version"], told["delivery_time"]["published"]) == ("2.0.0", "1.1.0")
    assert told["shipment"]["rules"] > 10
    assert "mart.delivery_time" in lanecast("list").output


def test_a_contract_that_cannot_be_read_is_told_in_one_line(home: Path) -> None:
    (home / "include" / "contracts" / "product.yaml").write_text("name: [", encoding="utf-8")
    done = lanecast("check")
    assert done.exit_code == 1
    assert "product.yaml: not readable as YAML" in done.output
