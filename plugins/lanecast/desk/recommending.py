"""Recommendations over the desk's API. Customers are named by their pseudonymous keys alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Literal

from fastapi import Path
from pydantic import BaseModel, ConfigDict, Field

from lanecast.recommend import asking
from lanecast.warehouse.snapshot import reading

_ID = {"max_length": 200, "pattern": r"^[^\x00]*$"}  # no text of the database holds a NUL
Customer = Annotated[str, Path(**_ID, description="The customer's pseudonymous key (`lanecast key ID`).")]
Product = Annotated[str, Path(**_ID, description="The shop's product.")]
HowMany = Annotated[int, Field(ge=1, le=100, description="How many at most.")]


class Wanted(BaseModel):
    """What is wanted of a customer's recommendations."""

    model_config = ConfigDict(extra="forbid")

    slot: Literal["discover", "buy_again"] = Field("discover", description="Never bought before, or bought before.")
    how_many: HowMany = 20
    country: str | None = Field(
        None, pattern="^[A-Za-z]{2}$", description="Whose popular products follow; the customer's own country else."
    )


class Recommendation(BaseModel):
    """One place in a customer's list."""

    rank: int
    product_id: str
    title: str | None = Field(description="As the shop tells it.")
    score: float = Field(description="By which the list is sorted, but for what variety and new products move.")
    reason: str = Field(description="Why it is there, in one line.")
    basis: Literal["own list", "popular"]


class Recommended(BaseModel):
    """A customer's list, best first."""

    slot: str
    recommendations: list[Recommendation]


class Companion(BaseModel):
    """One product beside another."""

    rank: int
    product_id: str
    title: str | None = Field(description="As the shop tells it.")
    support: int = Field(description="Orders that hold both.")
    lift: float = Field(description="How many times as often as chance would have it.")
    score: float = Field(description="By which the list is sorted.")
    reason: str = Field(description="Why it is there, in one line.")


class Beside(BaseModel):
    """What is bought together with a product, best first."""

    recommendations: list[Companion]


def to_customer(address: Callable[[], str], key: str | None, wanted: Wanted) -> Recommended:
    """A customer's list; of None what somebody new is shown. Unavailable where the warehouse can't be read."""
    with reading(address) as link:
        rows = asking.to_customer(link, key, wanted.slot, wanted.how_many, wanted.country)
    return Recommended(slot=wanted.slot, recommendations=[Recommendation(**row) for row in rows])


def beside_product(address: Callable[[], str], product: str, how_many: int) -> Beside:
    """What is bought together with a product. Unavailable where the warehouse can't be read."""
    with reading(address) as link:
        return Beside(recommendations=[Companion(**row) for row in asking.beside_product(link, product, how_many)])
