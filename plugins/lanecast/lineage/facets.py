"""What a step read and wrote, in OpenLineage's words. Imports OpenLineage when called, for that takes a second."""

from __future__ import annotations

from typing import Any

from lanecast.lineage.datasets import Dataset
from lanecast.lineage.told import Read, Told, Verdict, Written

_SEVERITY = {"row": "error", "batch": "error", "warn": "warn"}


def inputs(told: Told) -> list[Any]:
    """The datasets read, as OpenLineage InputDatasets."""
    return [_input(one) for one in told.reads]


def outputs(told: Told) -> list[Any]:
    """The datasets written, as OpenLineage OutputDatasets."""
    return [_output(one) for one in told.writes]


def _input(read: Read) -> Any:
    from openlineage.client.event_v2 import InputDataset
    from openlineage.client.facet_v2 import data_quality_assertions_dataset, data_quality_metrics_input_dataset

    found: dict[str, Any] = {}
    if read.verdicts:
        found["dataQualityAssertions"] = data_quality_assertions_dataset.DataQualityAssertionsDatasetFacet(
            assertions=[_assertion(verdict) for verdict in read.verdicts]
        )
        found["dataQualityMetrics"] = data_quality_metrics_input_dataset.DataQualityMetricsInputDatasetFacet(
            rowCount=max(verdict.rows_checked for verdict in read.verdicts), columnMetrics={}
        )
    return InputDataset(
        namespace=read.dataset.namespace,
        name=read.dataset.name,
        facets=_schema(read.dataset),
        inputFacets=found,
    )


def _output(written: Written) -> Any:
    from openlineage.client.event_v2 import OutputDataset
    from openlineage.client.facet_v2 import output_statistics_output_dataset

    found: dict[str, Any] = {}
    if written.rows is not None:
        found["outputStatistics"] = output_statistics_output_dataset.OutputStatisticsOutputDatasetFacet(
            rowCount=written.rows
        )
    return OutputDataset(
        namespace=written.dataset.namespace,
        name=written.dataset.name,
        facets=_schema(written.dataset) | _columns_from(written),
        outputFacets=found,
    )


def _schema(dataset: Dataset) -> dict[str, Any]:
    from openlineage.client.facet_v2 import schema_dataset

    if not dataset.columns:
        return {}
    fields = [
        schema_dataset.SchemaDatasetFacetFields(
            name=column.name, type=column.type, description=column.description, ordinal_position=position
        )
        for position, column in enumerate(dataset.columns, 1)
    ]
    return {"schema": schema_dataset.SchemaDatasetFacet(fields=fields)}


def _columns_from(written: Written) -> dict[str, Any]:
    """Which staged columns a table's columns come from: those of the same name."""
    from openlineage.client.facet_v2 import column_lineage_dataset as lineage

    fields = {
        column.name: lineage.Fields(
            inputFields=[
                lineage.InputField(namespace=staged.namespace, name=staged.name, field=column.name)
                for staged in written.columns_from
                if column.name in {one.name for one in staged.columns}
            ]
        )
        for column in written.dataset.columns
    }
    known = {name: one for name, one in fields.items() if one.inputFields}
    return {"columnLineage": lineage.ColumnLineageDatasetFacet(fields=known)} if known else {}


def _assertion(verdict: Verdict) -> Any:
    from openlineage.client.facet_v2 import data_quality_assertions_dataset

    return data_quality_assertions_dataset.Assertion(
        assertion=verdict.expectation,
        success=verdict.passed,
        column=verdict.column,
        severity=_SEVERITY[verdict.severity],
        name=verdict.rule,
        description=verdict.expects,
        actual=f"{verdict.rows_failed} of {verdict.rows_checked} rows",
        params={
            "severity": verdict.severity,
            "rows_checked": verdict.rows_checked,
            "rows_failed": verdict.rows_failed,
        },
    )
