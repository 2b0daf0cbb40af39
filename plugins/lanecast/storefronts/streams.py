"""Which datasets a source's streams tell of, and in which order they are loaded."""

from __future__ import annotations

from collections.abc import Mapping

from lanecast.warehouse.runs import Run

DATASETS: Mapping[str, tuple[str, ...]] = {
    "products": ("product",),
    "orders": ("order_line", "shipment"),
    "interactions": ("interaction",),
    "shipments": ("shipment",),
}
"""The datasets that a stream tells of."""
_ORDER = ("product", "order_line", "interaction", "shipment")


def datasets(run: Run) -> tuple[str, ...]:
    """The datasets that the run's source tells of, in the order in which they are loaded: what others name is first."""
    told = {dataset for stream in run.params["streams"] for dataset in DATASETS[stream]}
    return tuple(dataset for dataset in _ORDER if dataset in told)
