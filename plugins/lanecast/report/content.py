"""What a run's quality report holds."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, Field

Level = Literal["good", "warn", "bad", "open"]
"""Nothing to do; worth a look; something has to be done; not ended yet."""


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
