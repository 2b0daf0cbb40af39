"""Expectations that Great Expectations lacks, computed in SQL.

Importing this module imports Great Expectations, which takes seconds: do so inside functions only.

The counts are aggregate partials over the table's own domain, so that the engine bundles them, and those of the
built-in expectations, into one SELECT per batch.
"""

from __future__ import annotations

from typing import Any, ClassVar

from great_expectations.core.metric_domain_types import MetricDomainTypes
from great_expectations.core.metric_function_types import MetricPartialFunctionTypes
from great_expectations.execution_engine import SqlAlchemyExecutionEngine
from great_expectations.expectations.expectation import BatchExpectation
from great_expectations.expectations.metrics.metric_provider import metric_partial
from great_expectations.expectations.metrics.table_metric_provider import TableMetricProvider
from great_expectations.expectations.metrics.util import get_sqlalchemy_source_table_and_schema
from sqlalchemy import Boolean, func, literal_column

FAILED_COUNT = "lanecast.rows.failed_count"


class RowsFailedCount(TableMetricProvider):  # type: ignore[misc]
    """How many rows of the batch make an SQL condition false. Rows for which it is unknown do not count."""

    metric_name = FAILED_COUNT
    value_keys = ("condition",)

    @metric_partial(  # type: ignore[untyped-decorator]
        engine=SqlAlchemyExecutionEngine,
        partial_fn_type=MetricPartialFunctionTypes.AGGREGATE_FN,
        domain_type=MetricDomainTypes.TABLE,
    )
    def _sqlalchemy(
        cls,
        execution_engine: SqlAlchemyExecutionEngine,
        metric_domain_kwargs: dict[str, Any],
        metric_value_kwargs: dict[str, Any],
        metrics: dict[str, Any],
        runtime_configuration: dict[str, Any],
    ) -> tuple[Any, dict[str, Any], dict[str, Any]]:
        # a literal column, for text() would read colons in the condition as parameters
        holds = literal_column(f"({metric_value_kwargs['condition']})", Boolean)
        return func.count().filter(holds.is_(False)), metric_domain_kwargs, {}


class ExpectRowsToSatisfy(BatchExpectation):  # type: ignore[misc]
    """Expect an SQL condition over a row's columns to be true, or unknown, for (at least a share of) the rows."""

    condition: str
    mostly: float = 1.0
    min_rows: int = 0
    also_shown: list[str] = []  # noqa: RUF012, pydantic copies it

    metric_dependencies: ClassVar[tuple[str, ...]] = (FAILED_COUNT, "table.row_count")
    success_keys: ClassVar[tuple[str, ...]] = ("condition", "mostly", "min_rows")
    domain_keys: ClassVar[tuple[str, ...]] = ("batch_id", "table")

    def _validate(
        self,
        metrics: dict[str, Any],
        runtime_configuration: dict[str, Any] | None = None,
        execution_engine: Any = None,
    ) -> dict[str, Any]:
        rows, failed = metrics["table.row_count"], metrics[FAILED_COUNT]
        columns = (runtime_configuration or {}).get("result_format", {}).get("unexpected_index_column_names", [])
        columns = [*columns, *self.also_shown] if columns else []
        return {
            "success": failed <= (1 - self.mostly) * rows or rows < self.min_rows,
            "result": {
                "element_count": rows,
                "unexpected_count": failed,
                "unexpected_index_query": self._index_query(execution_engine, columns),
            },
        }

    def _index_query(self, execution_engine: Any, columns: list[str]) -> str:
        table = get_sqlalchemy_source_table_and_schema(execution_engine, batch_id=self.batch_id)
        quote = execution_engine.engine.dialect.identifier_preparer
        wanted = ", ".join(quote.quote(column) for column in columns) or "*"
        return f"SELECT {wanted} FROM {quote.format_table(table)} WHERE ({self.condition}) IS FALSE"  # noqa: S608


class ExpectRejectedShareToBeAtMost(BatchExpectation):  # type: ignore[misc]
    """Expect no more than a share of the rows to be rejected by row rules, where the batch has `min_rows` or more.

    `rejected` is the number of rows rejected: known, and given, once rows are routed.
    """

    share: float
    min_rows: int = 0
    rejected: int

    metric_dependencies: ClassVar[tuple[str, ...]] = ("table.row_count",)
    success_keys: ClassVar[tuple[str, ...]] = ("share", "rejected", "min_rows")
    domain_keys: ClassVar[tuple[str, ...]] = ("batch_id", "table")

    def _validate(
        self,
        metrics: dict[str, Any],
        runtime_configuration: dict[str, Any] | None = None,
        execution_engine: Any = None,
    ) -> dict[str, Any]:
        rows = metrics["table.row_count"]
        return {
            "success": self.rejected <= self.share * rows or rows < self.min_rows,
            "result": {"element_count": rows, "unexpected_count": self.rejected},
        }
