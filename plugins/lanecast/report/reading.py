"""Reads what a run's quality report tells: what came in, which rules broke, samples, how it was before, what to do.

In one snapshot. All of it comes from the warehouse and none from the clock, so that the same run gives the same
report; values that tell of a person are masked.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from psycopg2.extensions import cursor as Cursor

from lanecast.addresses import bare, scrubbed
from lanecast.contracts import reader
from lanecast.report.content import Alert, Dataset, Judged, Past, Report, Sample, Step
from lanecast.report.samples import cut, rule_of, samples_of
from lanecast.report.verdict import verdict
from lanecast.warehouse.snapshot import reading, rows

MOST_RUNS = 30
"""Runs of a trend, the run itself included."""
MOST_ALERTS = 20
_ORDER = ("pull", "stage", "validate", "load")


class UnknownRun(LookupError):
    """No run has that id."""


def read(address: Callable[[], str], run_id: str | None = None) -> Report:
    """The report of a run, by default of the last that ended; read in one snapshot of the warehouse.

    Raises UnknownRun where there is no such run, Unavailable where the warehouse can't be read.
    """
    with reading(address) as link, link.cursor() as cursor:
        run = _found(cursor, run_id)
        return _read(cursor, run)


def _found(cursor: Cursor, run_id: str | None) -> dict[str, Any]:
    if run_id is None:
        last = rows(cursor, "report/last")
        if not last:
            raise UnknownRun("no run has ended yet")
        run_id = str(last[0]["run_id"])
    # An address typed by hand has + where the id has one, which browsers send as a blank.
    for asked in dict.fromkeys((run_id, run_id.replace(" ", "+"))):
        if "\0" in asked or not asked.isprintable():
            break
        found = rows(cursor, "report/run", run=asked)
        if found:
            return found[0]
    raise UnknownRun(f"no run has the id {cut(run_id)!r}")


def _read(cursor: Cursor, run: dict[str, Any]) -> Report:
    run_id = run["run_id"]
    rules = rows(cursor, "report/rules", run=run_id)
    loads = {one["dataset"]: one for one in rows(cursor, "report/loads", run=run_id)}
    past = [
        one["run_id"]
        for one in rows(
            cursor,
            "report/past_runs",
            kind=run["kind"],
            dataset=run["dataset"],
            number=run["run_number"],
            most=MOST_RUNS,
        )
    ]
    past.reverse()
    past_loads = rows(cursor, "report/past_loads", runs=past)
    shares = {
        (one["run_id"], one["dataset"], one["rule"]): one["share"]
        for one in rows(cursor, "report/past_rules", runs=past)
    }
    samples = samples_of(cursor, run_id, rules)
    staged = {name: count for name, count in run["staged"].items() if isinstance(count, int)}
    names = sorted({*loads, *(one["dataset"] for one in rules), *staged})
    names.sort(key=lambda name: name != run["dataset"])
    datasets = []
    for name in names:
        judged = [
            _judged(one, [shares.get((each, name, one["rule"])) for each in past], samples.get((name, one["rule"]), []))
            for one in rules
            if one["dataset"] == name
        ]
        told = loads.get(name, {})
        datasets.append(
            Dataset(
                dataset=name,
                rows=plural(name),
                meaning=_meaning(name),
                staged=staged.get(name),
                **{key: told.get(key) for key in ("source_count", "received", "loaded", "duplicate", "quarantined")},
                rules=sorted(judged, key=_order),
                trend=[Past(**one) for one in past_loads if one["dataset"] == name],
            )
        )
    alerts = [
        Alert(**one | {key: scrubbed(one[key]) for key in ("subject", "message")})
        for one in rows(
            cursor,
            "report/alerts",
            datasets=names or [run["dataset"]],
            run=run_id,
            as_of=run["as_of"],
            most=MOST_ALERTS,
        )
    ]
    finished = run["finished_at"]
    return Report(
        **{key: run[key] for key in ("run_id", "kind", "dataset", "state", "as_of", "started_at", "finished_at")},
        source=None if run["source"] is None else bare(run["source"]),
        error=None if run["error"] is None else scrubbed(run["error"]),
        seconds=None if finished is None else (finished - run["started_at"]).total_seconds(),
        steps=_steps(run["steps"]),
        datasets=datasets,
        alerts=alerts,
        verdict=verdict(run_id, run["state"], datasets, alerts),
    )


def _judged(found: Mapping[str, Any], trend: list[float | None], samples: list[Sample]) -> Judged:
    told = rule_of(found["dataset"], found["rule"])
    checked, failed = found["rows_checked"], found["rows_failed"]
    reason = ""
    if found["severity"] == "batch" and not found["passed"] and told is not None and told.severity == "batch":
        share = f"{100 * failed / max(checked, 1):.1f}"
        reason = told.reason.format(rows=f"{checked:,}", failed=f"{failed:,}", share=share)
    return Judged(
        **{key: found[key] for key in ("rule", "severity", "expectation", "passed", "waived", "claimed")},
        rows_checked=checked,
        rows_failed=failed,
        description=(told.description if told else found["expects"]) or "",
        reason=reason,
        trend=trend,
        samples=samples,
    )


def _order(one: Judged) -> tuple[bool, int, int, int, str]:
    """What broke first; of that, what put most rows aside, then what most rows break."""
    weight = {"batch": 0, "row": 1, "warn": 2}[one.severity]
    return (one.passed, weight, -one.claimed, -one.rows_failed if not one.passed else 0, one.rule)


def _steps(found: Mapping[str, float]) -> list[Step]:
    """In the order in which they are taken."""
    pulls = [seconds for name, seconds in found.items() if name.startswith("pull ")]
    told = {name: float(seconds) for name, seconds in found.items() if not name.startswith("pull ")}
    if pulls:
        shards = "one shard" if len(pulls) == 1 else f"the longest of {len(pulls)} shards"
        told[f"pull ({shards})"] = max(pulls)

    def place(name: str) -> tuple[int, str]:
        first = name.partition(" ")[0]
        return _ORDER.index(first) if first in _ORDER else len(_ORDER), name

    return [Step(name=name, seconds=told[name]) for name in sorted(told, key=place)]


def _meaning(dataset: str) -> str:
    try:
        return reader.contract(dataset).table.description
    except reader.ContractError:
        return ""


def plural(dataset: str) -> str:
    """What one calls a dataset's rows: `tracking events`."""
    words = dataset.replace("_", " ")
    return words if words.endswith("s") else f"{words[:-1]}ies" if words.endswith("y") else f"{words}s"
