-- Run once by psql, as superuser, when the server's Postgres starts on an empty volume (docker-compose.yaml).
-- Two databases in one server: Airflow's own, and the warehouse. Neither owner is a superuser.
\getenv metadata_password LANECAST_METADATA_PASSWORD
\getenv warehouse_password LANECAST_WAREHOUSE_PASSWORD

CREATE ROLE airflow LOGIN PASSWORD :'metadata_password';
CREATE DATABASE airflow OWNER airflow;
REVOKE CONNECT, TEMPORARY ON DATABASE airflow FROM PUBLIC;

-- CREATEROLE: the migrations make the roles that own, load and read.
CREATE ROLE lanecast LOGIN CREATEROLE PASSWORD :'warehouse_password';
CREATE DATABASE lanecast OWNER lanecast;
REVOKE TEMPORARY ON DATABASE lanecast FROM PUBLIC;
