"""Registers the desk with Airflow: pages and JSON under `/lanecast`, and a link to them in the navigation."""

from __future__ import annotations

import logging
from functools import cache
from typing import Any, ClassVar

from airflow.plugins_manager import AirflowPlugin

log = logging.getLogger(__name__)


@cache
def _apps() -> list[dict[str, Any]]:
    try:
        from lanecast.desk import hosted

        return [{"name": "Lanecast desk", "url_prefix": "/lanecast", "app": hosted.create()}]
    except Exception:
        log.exception("the desk can't be served; Airflow goes on without it")
        return []


class _OnDemand:
    """A list that is made when it is first read: every part of Airflow loads plugins, only the api-server serves."""

    def __get__(self, instance: object, owner: type | None = None) -> list[dict[str, Any]]:
        return _apps()


class LanecastPlugin(AirflowPlugin):
    """The desk."""

    name = "lanecast"
    fastapi_apps = _OnDemand()
    # With a route of its own the page shows inside Airflow's: a bare link at the top level is a button that does
    # nothing (3.3.2). The address is relative, for Airflow's pages name their root as the base: it may be under a path.
    external_views: ClassVar[list[dict[str, Any]]] = [
        {
            "name": "Lanecast",
            "href": "lanecast/quality",
            "url_route": "lanecast",
            "destination": "nav",
            "nav_top_level": True,
        }
    ]
