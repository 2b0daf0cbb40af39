"""The desk: pages and JSON about the warehouse, served by Airflow's api-server under `/lanecast`."""
