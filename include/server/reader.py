"""Gives role lanecast_reader its login, with the password of the environment (LANECAST_READER_PASSWORD).

The migrations make the role without one: where no password is given, nobody reads as it.
"""

from __future__ import annotations

import os

import psycopg2

if __name__ == "__main__":
    connection = psycopg2.connect(os.environ["AIRFLOW_CONN_LANECAST_WAREHOUSE"])
    with connection, connection.cursor() as cursor:
        cursor.execute("ALTER ROLE lanecast_reader LOGIN PASSWORD %s", (os.environ["LANECAST_READER_PASSWORD"],))
    connection.close()
