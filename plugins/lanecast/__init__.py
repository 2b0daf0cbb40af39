"""Lanecast: a data cloud for e-commerce whose goods travel. Imports without Airflow."""

__version__ = "0.1.0"
