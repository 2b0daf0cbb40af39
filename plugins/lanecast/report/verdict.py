"""The report in short: what was received, what became of it, whether anything needs attention, what to do next."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Sequence

from lanecast.report.content import Alert, Dataset, Verdict
from lanecast.words import counted


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
            headline="Nothing to load" if not warnings else f"{counted(warnings, 'warning')}, nothing to load",
            sentence="The run ended without receiving a row."
            if not any(one.rules for one in datasets)
            else "The run judged what lies in the warehouse and loaded nothing.",
            next_step="See the warnings below." if warnings else "Nothing needs attention.",
            commands=[],
        )
    also = [
        counted(warnings, "rule") + " only warned" if warnings else "",
        counted(len(raised), "alert") + (" is" if len(raised) == 1 else " are") + " open" if raised else "",
    ]
    also = [one for one in also if one]
    aside = f" {_listed(also)[0].upper()}{_listed(also)[1:]}." if also else ""
    if quarantined:
        return Verdict(
            level="warn",
            headline=f"Loaded, but {counted(quarantined, 'row')} {'was' if quarantined == 1 else 'were'} put aside",
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


def _listed(words: Iterable[str]) -> str:
    found = [word for word in words if word]
    return " and ".join([", ".join(found[:-1]), found[-1]] if len(found) > 1 else found)
