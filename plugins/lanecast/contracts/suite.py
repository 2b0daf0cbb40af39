"""Great Expectations suites, built from contracts."""

from __future__ import annotations

import copy
from datetime import datetime
from typing import TYPE_CHECKING, Any

from lanecast.contracts.reader import ContractError, Rule, reason_parts

if TYPE_CHECKING:
    from great_expectations import ExpectationSuite

_SEVERITIES = {"row": "warning", "batch": "critical", "warn": "info"}
AFTER_ROUTING = frozenset({"expect_rejected_share_to_be_at_most"})
"""Expectations that are judged once rows are routed, for they ask how many were."""


def suite(name: str, rules: list[Rule], as_of: datetime, shown: tuple[str, ...] = (), **known: Any) -> ExpectationSuite:
    """The suite of these rules. `as_of` stands for {as_of} in conditions; `known` is added to each rule's arguments.

    `shown` are the columns by which failing rows are told; a rule whose reason names others is told to add these.

    Raises ContractError for an expectation that does not exist, or arguments that it does not take.
    """
    import great_expectations as gx

    return gx.ExpectationSuite(
        name=name, expectations=[_expectation(name, rule, as_of, shown, known) for rule in rules]
    )


def _expectation(name: str, rule: Rule, as_of: datetime, shown: tuple[str, ...], known: dict[str, Any]) -> Any:
    from great_expectations.expectations.expectation_configuration import ExpectationConfiguration

    from lanecast.contracts import expectations  # noqa: F401, importing registers them

    arguments = {**copy.deepcopy(rule.implementation.kwargs), **known}
    if "condition" in arguments:
        arguments["condition"] = arguments["condition"].replace("{as_of}", moment(as_of))
        if rule.severity == "row":
            named = {text for text, is_column in reason_parts(rule.reason) if is_column}
            arguments["also_shown"] = sorted(named - set(shown))
    try:
        return ExpectationConfiguration(
            type=rule.implementation.type,
            kwargs=arguments,
            meta={"name": rule.name, "severity": rule.severity},
            severity=_SEVERITIES[rule.severity],
        ).to_domain_obj()
    except Exception as error:
        raise ContractError(f"contract {name}, rule {rule.name}: {rule.implementation.type}: {error}") from error


def moment(as_of: datetime) -> str:
    """A moment as an SQL literal. Raises ValueError where it has no zone.

    A literal, not `ops.as_of()`: the planner then compares with a constant, and may scan in parallel.
    """
    if as_of.tzinfo is None:
        raise ValueError(f"as_of {as_of.isoformat()} has no time zone")
    return f"TIMESTAMPTZ '{as_of.isoformat()}'"
