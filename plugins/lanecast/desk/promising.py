"""Promises over the desk's API: asked for, and kept where they are given to an order or a parcel."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from typing import Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from lanecast.delivery import promise as promises
from lanecast.delivery.promise import Question
from lanecast.warehouse.snapshot import reading, writing

Clock = Literal["order", "handover"]


class Asked(BaseModel):
    """A question. What is left out stands for any place, carrier and service, and for now."""

    model_config = ConfigDict(extra="forbid")

    origin: str | None = Field(None, max_length=20, description="A country (CN) or a region (BR-SP).")
    destination: str | None = Field(None, max_length=20, description="A country (BR) or a region (BR-SP).")
    carrier: str | None = Field(None, max_length=200, description="The carrier, as a slug.")
    service: str | None = Field(None, max_length=200, description="The carrier's service.")
    starts_at: AwareDatetime | None = Field(None, description="When the clock starts, with its zone.")
    confidence: float = Field(0.8, gt=0, le=0.99, description="Share of parcels that the range is to hold.")
    clock: Clock = Field("order", description="From the order, or from the handover to the carrier.")

    def question(self) -> Question:
        """As the package asks it."""
        return Question(
            self.origin,
            self.destination,
            self.carrier,
            self.service,
            self.starts_at,
            self.confidence,
            self.clock,
        )


class Given(Asked):
    """A question with whom the answer is given to; without a reference nothing is kept."""

    order_id: str | None = Field(None, max_length=200, description="The order that the promise is given to.")
    tracking_number: str | None = Field(None, max_length=200, description="The parcel that it is given to.")


class Answer(BaseModel):
    """A range; its dates are None where no parcel was delivered yet."""

    earliest: date | None
    likely: date | None
    latest: date | None
    n: int = Field(description="Delivered parcels of the lane that answers.")
    basis: str = Field(description="What it rests on.")
    coverage: float | None = Field(description="Share of past promises kept, 0 to 1; None until it is measured.")
    promise_id: int | None = Field(description="Its number in mart.promise_log; None where it was not kept.")
    issued_at: datetime | None = Field(description="When it was given; None where it was not kept.")


def answer(address: Callable[[], str], asked: Asked) -> Answer:
    """The answer to a question, of which nothing is kept. NoPromise for a bad one, Unavailable where nobody answers."""
    with reading(address) as link:
        return Answer(**promises.ask(link, asked.question()), promise_id=None, issued_at=None)


def give(address: Callable[[], str], given: Given) -> Answer:
    """The answer to a question, kept where it has a reference. NoPromise and Unavailable as answer()."""
    with writing(address) as link:
        return Answer(**promises.issue(link, given.question(), given.order_id, given.tracking_number))
