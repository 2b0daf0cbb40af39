"""What a run's quality report tells: what came in, which rules broke, samples, how it was before, what to do.

Read in one snapshot. All of it comes from the warehouse and none from the clock, so that the same run gives the same
report; values that tell of a person are masked before they leave this module.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Literal

import psycopg2.extras
from psycopg2.extensions import cursor as Cursor
from pydantic import BaseModel, Field

from lanecast.addresses import bare, scrubbed
from lanecast.contracts import masking, reader
from lanecast.desk.reading import reading

MOST_RUNS = 30
"""Runs of a trend, the run itself included."""
MOST_SAMPLES = 5
"""Rows shown under one rule."""
MOST_ALERTS = 20
LONGEST_VALUE = 80
"""Characters of a row's value that are shown."""
LONGEST_REASON = 200

Level = Literal["good", "warn", "bad", "open"]
"""Nothing to do; worth a look; something has to be done; not ended yet."""


class UnknownRun(LookupError):
    """No run has that id."""


class Step(BaseModel):
    """One step of the run; shards of a pull, which run side by side, are one step as long as the longest."""

    name: str
    seconds: float


class Past(BaseModel):
    """What an earlier run of the same kind, or the run itself, received of one dataset. Counts are rows."""

    run_id: str
    as_of: datetime
    started_at: datetime
    state: str
    received: int
    loaded: int
    duplicate: int
    quarantined: int


class Sample(BaseModel):
    """A quarantined row as people may see it."""

    quarantined_row_id: int
    reason: str
    values: dict[str, str] = Field(description="By column, those that the reason names first, none that is empty.")
    named: list[str] = Field(description="The columns that the reason names.")
    hidden: list[str] = Field(description="The columns that tell of a person: their values are not shown.")
    place: str = Field(description="The file and line, or the raw answer, that it came from.")
    times_seen: int
    status: str


class Judged(BaseModel):
    """One rule on one dataset of the run. Counts are rows."""

    rule: str
    severity: Literal["row", "batch", "warn"]
    expectation: str
    description: str
    rows_checked: int
    rows_failed: int = Field(description="Rows that break the rule, also those that an earlier rule claimed.")
    passed: bool
    waived: bool = Field(description="A batch rule that the run was told not to stop for.")
    claimed: int = Field(description="Rows that were quarantined under this rule.")
    reason: str = Field(description="Why the batch was stopped; empty for a rule that stopped none.")
    trend: list[float | None] = Field(description="Its failed share in the last runs, the oldest first, this one last.")
    samples: list[Sample]


class Dataset(BaseModel):
    """What became of one dataset in the run. Counts are rows, None where the load was not reached."""

    dataset: str
    rows: str = Field(description="What one calls its rows, such as `tracking events`.")
    meaning: str
    staged: int | None
    source_count: int | None
    received: int | None
    loaded: int | None
    duplicate: int | None
    quarantined: int | None
    rules: list[Judged] = Field(
        description="Broken ones first: those that stop, put aside, warn; then those that hold."
    )
    trend: list[Past] = Field(description="The oldest first, this run last.")

    @property
    def stopper(self) -> Judged | None:
        """The batch rule that held the batch back."""
        return next((one for one in self.rules if one.severity == "batch" and not one.passed and not one.waived), None)

    @property
    def broken(self) -> list[Judged]:
        """The rules that did not hold."""
        return [one for one in self.rules if not one.passed]

    @property
    def contradicting(self) -> int:
        """Rows that the merge put aside, for they contradict what the warehouse knows; no rule of the gate has them."""
        return max(0, (self.quarantined or 0) - sum(one.claimed for one in self.rules))


class Alert(BaseModel):
    """An alert on one of the datasets that was open as the run began, or one that the run raised."""

    alert_id: int
    kind: str
    dataset: str
    rule: str
    subject: str
    severity: Literal["critical", "warning"]
    message: str
    opened_at: datetime
    times_seen: int
    resolved_at: datetime | None


class Verdict(BaseModel):
    """The report in short."""

    level: Level
    headline: str
    sentence: str = Field(description="What was received, what became of it, whether anything needs attention.")
    next_step: str
    commands: list[str]


class Report(BaseModel):
    """One run's quality."""

    run_id: str
    kind: str
    dataset: str
    source: str | None
    state: str
    error: str | None = Field(description="The step that failed, and its error's first line.")
    as_of: datetime
    started_at: datetime
    finished_at: datetime | None
    seconds: float | None = Field(description="From the run's start to its end; None while it runs.")
    steps: list[Step]
    datasets: list[Dataset]
    alerts: list[Alert]
    verdict: Verdict


_RUN = """
SELECT run_id, run_number, kind, dataset, source, state, error, as_of, started_at, finished_at, staged, steps
FROM ops.run WHERE run_id = %(run)s
"""
_LAST = """
SELECT run_id FROM ops.run WHERE finished_at IS NOT NULL ORDER BY finished_at DESC, run_number DESC LIMIT 1
"""
_RULES = """
SELECT
    dataset, rule, severity, expectation, rows_checked, rows_failed, passed,
    coalesce((details ->> 'rejected')::bigint, 0) AS claimed,
    coalesce((details ->> 'waived')::boolean, false) AS waived,
    details ->> 'expects' AS expects
FROM quality.validation_result WHERE run_id = %(run)s ORDER BY dataset, rule
"""
_LOADS = "SELECT * FROM quality.reconciliation WHERE run_id = %(run)s ORDER BY dataset"
# A pull that found nothing due judged nothing, and tells nothing of quality.
_PAST = """
SELECT run_id FROM ops.run
WHERE
    kind = %(kind)s AND dataset = %(dataset)s AND run_number <= %(number)s
    AND EXISTS (SELECT FROM quality.validation_result AS judged WHERE judged.run_id = run.run_id)
ORDER BY run_number DESC LIMIT %(most)s
"""
_PAST_LOADS = """
SELECT done.*, run.as_of, run.started_at, run.state
FROM quality.reconciliation AS done INNER JOIN ops.run USING (run_id)
WHERE done.run_id = ANY(%(runs)s) ORDER BY run.run_number
"""
_PAST_RULES = """
SELECT run_id, dataset, rule, rows_failed::double precision / greatest(rows_checked, 1) AS share
FROM quality.validation_result WHERE run_id = ANY(%(runs)s)
"""
# Two indexes know a run's rows by rule: those that it put aside first, and those that it saw last of all runs. OFFSET 0
# keeps the planner from walking the whole table in the order of its key instead, until five rows of the run turn up.
_SAMPLES = """
SELECT
    row.dataset, row.rule, row.quarantined_row_id, row.row_data, row.source_file, row.source_line, row.raw_answer_id,
    row.times_seen, row.status
FROM unnest(%(datasets)s::text [], %(rules)s::text []) AS asked (dataset, rule)
CROSS JOIN LATERAL (
    (
        SELECT quarantined_row_id FROM (
            SELECT quarantined_row_id FROM quality.quarantined_row
            WHERE first_run_id = %(run)s AND dataset = asked.dataset AND rule = asked.rule
            OFFSET 0
        ) AS put_aside ORDER BY 1 LIMIT %(most)s
    )
    UNION
    (
        SELECT quarantined_row_id FROM (
            SELECT quarantined_row_id FROM quality.quarantined_row
            WHERE last_run_id = %(run)s AND dataset = asked.dataset AND rule = asked.rule
            OFFSET 0
        ) AS seen_again ORDER BY 1 LIMIT %(most)s
    )
    ORDER BY 1 LIMIT %(most)s
) AS found
INNER JOIN quality.quarantined_row AS row USING (quarantined_row_id)
ORDER BY row.dataset, row.rule, row.quarantined_row_id
"""
_ALERTS = """
SELECT alert_id, kind, dataset, rule, subject, severity, message, opened_at, times_seen, resolved_at
FROM quality.alert
WHERE
    run_id = %(run)s
    OR (dataset = ANY(%(datasets)s) AND opened_at <= %(as_of)s AND coalesce(resolved_at > %(as_of)s, true))
ORDER BY resolved_at IS NOT NULL, severity, opened_at DESC, alert_id LIMIT %(most)s
"""


def read(address: Callable[[], str], run_id: str | None = None) -> Report:
    """The report of a run, by default of the last that ended; read in one snapshot of the warehouse.

    Raises UnknownRun where there is no such run, Unavailable where the warehouse can't be read.
    """
    with reading(address) as link, link.cursor(cursor_factory=psycopg2.extras.RealDictCursor) as cursor:
        run = _found(cursor, run_id)
        return _read(cursor, run)


def _found(cursor: Cursor, run_id: str | None) -> dict[str, Any]:
    if run_id is None:
        cursor.execute(_LAST)
        last: Any = cursor.fetchone()
        if last is None:
            raise UnknownRun("no run has ended yet")
        run_id = str(last["run_id"])
    # An address typed by hand has + where the id has one, which browsers send as a blank.
    for asked in dict.fromkeys((run_id, run_id.replace(" ", "+"))):
        if "\0" in asked or not asked.isprintable():
            break
        found = _rows(cursor, _RUN, run=asked)
        if found:
            return found[0]
    raise UnknownRun(f"no run has the id {_cut(run_id)!r}")


def _rows(cursor: Cursor, query: str, **values: Any) -> list[dict[str, Any]]:
    cursor.execute(query, values)
    return [dict(row) for row in cursor.fetchall()]  # type: ignore[call-overload]


def _read(cursor: Cursor, run: dict[str, Any]) -> Report:
    run_id = run["run_id"]
    rules = _rows(cursor, _RULES, run=run_id)
    loads = {one["dataset"]: one for one in _rows(cursor, _LOADS, run=run_id)}
    past = [
        one["run_id"]
        for one in _rows(
            cursor, _PAST, kind=run["kind"], dataset=run["dataset"], number=run["run_number"], most=MOST_RUNS
        )
    ]
    past.reverse()
    past_loads = _rows(cursor, _PAST_LOADS, runs=past)
    shares = {
        (one["run_id"], one["dataset"], one["rule"]): one["share"] for one in _rows(cursor, _PAST_RULES, runs=past)
    }
    samples = _samples(cursor, run_id, rules)
    staged = {name: rows for name, rows in run["staged"].items() if isinstance(rows, int)}
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
        for one in _rows(
            cursor,
            _ALERTS,
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


# ------------------------------------------------------------------------------------------------------- its parts


def _judged(found: Mapping[str, Any], trend: list[float | None], samples: list[Sample]) -> Judged:
    told = _rule(found["dataset"], found["rule"])
    rows, failed = found["rows_checked"], found["rows_failed"]
    reason = ""
    if found["severity"] == "batch" and not found["passed"] and told is not None and told.severity == "batch":
        reason = told.reason.format(rows=f"{rows:,}", failed=f"{failed:,}", share=f"{100 * failed / max(rows, 1):.1f}")
    return Judged(
        **{key: found[key] for key in ("rule", "severity", "expectation", "passed", "waived", "claimed")},
        rows_checked=rows,
        rows_failed=failed,
        description=(told.description if told else found["expects"]) or "",
        reason=reason,
        trend=trend,
        samples=samples,
    )


def _order(one: Judged) -> tuple[bool, int, int, str]:
    """What broke first; of that, what did most."""
    weight = {"batch": 0, "row": 1, "warn": 2}[one.severity]
    return (one.passed, weight, -max(one.claimed, one.rows_failed) if not one.passed else 0, one.rule)


def _samples(cursor: Cursor, run_id: str, rules: Sequence[Mapping[str, Any]]) -> dict[tuple[str, str], list[Sample]]:
    """Rows that the run put aside, a few for each rule: also for rules that held at the gate, and not in the merge."""
    asked = [(one["dataset"], one["rule"]) for one in rules if one["severity"] != "warn"]
    found = _rows(
        cursor,
        _SAMPLES,
        datasets=[dataset for dataset, _ in asked],
        rules=[rule for _, rule in asked],
        run=run_id,
        most=MOST_SAMPLES,
    )
    told: dict[tuple[str, str], list[Sample]] = {}
    for one in found:
        told.setdefault((one["dataset"], one["rule"]), []).append(_sample(one))
    return told


def _sample(found: Mapping[str, Any]) -> Sample:
    dataset, row = found["dataset"], found["row_data"]
    rule = _rule(dataset, found["rule"])
    named = [] if rule is None else [text for text, is_column in reader.reason_parts(rule.reason) if is_column]
    given = {name: value for name, value in row.items() if value not in (None, "") and name not in _TOLD_BESIDE}
    shown = masking.masked_row(
        dataset, {name: given[name] for name in sorted(given, key=lambda name: name not in named)}
    )
    place = "an unknown place"
    if found["raw_answer_id"] is not None:
        place = f"raw answer {found['raw_answer_id']}"
    elif found["source_file"]:
        file = re.split(r"[/\\]", bare(found["source_file"] or ""))[-1]
        place = file if found["source_line"] is None else f"{file}:{found['source_line']}"
    try:
        reason = masking.masked_reason(dataset, found["rule"], _clipped(dataset, row))
    except reader.ContractError:
        reason = found["rule"].replace("_", " ")
    return Sample(
        quarantined_row_id=found["quarantined_row_id"],
        reason=_cut(reason, LONGEST_REASON),
        values={name: _cut(_UTC.sub(r"\1 \2Z", str(value))) for name, value in shown.items()},
        named=[name for name in shown if name in named],
        hidden=[name for name in shown if masking.classification(dataset, name) == "personal"],
        place=_cut(place),
        times_seen=found["times_seen"],
        status=found["status"],
    )


def _clipped(dataset: str, row: Mapping[str, Any]) -> dict[str, Any]:
    """The row with its long texts cut, as a reason quotes them; keys stay whole, for their end is what is shown."""
    return {
        name: f"{value[:_LONGEST_QUOTE]}…"
        if isinstance(value, str) and len(value) > _LONGEST_QUOTE and masking.classification(dataset, name) == "none"
        else value
        for name, value in row.items()
    }


_LONGEST_QUOTE = 40
_UTC = re.compile(r"^(\d{4}-\d\d-\d\d)T([0-9:.]+)\+00:00$")
_TOLD_BESIDE = frozenset({"staged_row", "source_line", "raw_answer_id"})


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


_ORDER = ("pull", "stage", "validate", "load")


def _rule(dataset: str, name: str) -> reader.Rule | None:
    """The rule as today's contract has it."""
    try:
        return next((one for one in reader.contract(dataset).rules if one.name == name), None)
    except reader.ContractError:
        return None


def _meaning(dataset: str) -> str:
    try:
        return reader.contract(dataset).table.description
    except reader.ContractError:
        return ""


def plural(dataset: str) -> str:
    """What one calls a dataset's rows: `tracking events`."""
    words = dataset.replace("_", " ")
    return words if words.endswith("s") else f"{words[:-1]}ies" if words.endswith("y") else f"{words}s"


def _cut(text: str, most: int = LONGEST_VALUE) -> str:
    """A text short enough to be read."""
    return text if len(text) <= most else f"{text[:most]}… ({len(text):,} characters)"


# ----------------------------------------------------------------------------------------------------- the verdict


def verdict(run_id: str, state: str, datasets: Sequence[Dataset], alerts: Sequence[Alert]) -> Verdict:
    """The report in short: what was received, what became of it, whether anything needs attention, what to do next."""
    loaded = [one for one in datasets if one.received is not None]
    stopped = [one for one in datasets if one.stopper is not None]
    quarantined = sum(one.quarantined or 0 for one in loaded)
    warnings = sum(1 for one in datasets for rule in one.broken if rule.severity == "warn")
    raised = [one for one in alerts if one.resolved_at is None]
    came = [one for one in loaded if one.received]
    told = " ".join(map(_became, came or loaded))
    again = f"lanecast quarantine replay --run {shlex.quote(run_id)}"
    if state == "failed":
        return Verdict(
            level="bad",
            headline="The run failed",
            sentence=f"It ended before its load was complete. {told or 'Nothing of it was loaded.'}",
            next_step="Read the failed task's log in Airflow, mend the cause and clear the task: the run goes on where "
            "it stopped, and nothing is loaded twice.",
            commands=[],
        )
    if state == "stopped":
        names = _listed(one.rows for one in stopped) or "rows"
        rules = _listed(one.stopper.rule for one in stopped if one.stopper)
        return Verdict(
            level="bad",
            headline=f"Stopped: no {names} were loaded",
            sentence=f"{told} Held back by the rule {rules}." if rules else told,
            next_step="Where the source is at fault, mend it and load it again. Where the rule is, change it in the "
            "dataset's contract, and send the rows through the gate again:",
            commands=[again],
        )
    if state != "loaded":
        return _under_way(datasets, told)
    if not came:
        return Verdict(
            level="warn" if warnings or raised else "good",
            headline="Nothing to load" if not warnings else f"{_counted(warnings, 'warning')}, nothing to load",
            sentence="The run ended without receiving a row."
            if not any(one.rules for one in datasets)
            else "The run judged what lies in the warehouse and loaded nothing.",
            next_step="See the warnings below." if warnings else "Nothing needs attention.",
            commands=[],
        )
    also = [
        _counted(warnings, "rule") + " only warned" if warnings else "",
        _counted(len(raised), "alert") + (" is" if len(raised) == 1 else " are") + " open" if raised else "",
    ]
    also = [one for one in also if one]
    aside = f" {_listed(also)[0].upper()}{_listed(also)[1:]}." if also else ""
    if quarantined:
        return Verdict(
            level="warn",
            headline=f"Loaded, but {_counted(quarantined, 'row')} {'was' if quarantined == 1 else 'were'} put aside",
            sentence=f"{told}{aside}",
            next_step="Look at the sample rows below. Once the source, a code table or a rule is mended, send the rows "
            "through the gate again:",
            commands=[again],
        )
    return Verdict(
        level="warn" if also else "good",
        headline="Loaded, with something to look at" if also else "All good",
        sentence=f"{told}{aside}",
        next_step="What warned is marked below; its rows were loaded." if also else "Nothing needs attention.",
        commands=[],
    )


def _under_way(datasets: Sequence[Dataset], told: str) -> Verdict:
    staged = _listed(f"{one.staged:,} {one.rows}" for one in datasets if one.staged is not None)
    judged = any(one.rules for one in datasets)
    where = f"{staged} {'are judged' if judged else 'are staged'} and not loaded yet." if staged else ""
    return Verdict(
        level="open",
        headline="Still under way",
        sentence=told or where or "Nothing of it is staged yet.",
        next_step="This report is complete once the run has ended. If it does not end, see its tasks in Airflow: a "
        "task that was killed goes on where it stopped when it is cleared.",
        commands=[],
    )


def _became(one: Dataset) -> str:
    """One dataset's numbers as a sentence."""
    received, quarantined = one.received or 0, one.quarantined or 0
    begin = f"{received:,} {one.rows if received != 1 else one.dataset.replace('_', ' ')} received"
    if received and quarantined == received and not one.loaded:
        return f"{begin}, all of them quarantined."
    if received and one.loaded == received:
        return f"{begin}, all of them loaded."
    if received and one.duplicate == received:
        return f"{begin}, all of them known already."
    parts = [f"{one.loaded or 0:,} loaded", f"{one.duplicate or 0:,} known already"]
    parts += [f"{quarantined:,} quarantined"] if quarantined else []
    return f"{begin}: {_listed(parts)}."


def _counted(number: int, word: str) -> str:
    return f"{number:,} {word}{'' if number == 1 else 's'}"


def _listed(words: Iterable[str]) -> str:
    found = [word for word in words if word]
    return " and ".join([", ".join(found[:-1]), found[-1]] if len(found) > 1 else found)
