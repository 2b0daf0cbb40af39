# One image for every part of the platform on a server: Airflow's parts, the workers and the sandbox carriers.
FROM python:3.11.14-slim-bookworm

ENV PYTHONUNBUFFERED=1 \
    PIP_NO_CACHE_DIR=1 \
    PIP_DISABLE_PIP_VERSION_CHECK=1 \
    LANECAST_HOME=/opt/lanecast \
    LANECAST_STATE=/var/lib/lanecast \
    AIRFLOW_HOME=/home/lanecast/airflow \
    AIRFLOW__CORE__DAGS_FOLDER=/opt/lanecast/dags \
    AIRFLOW__CORE__PLUGINS_FOLDER=/opt/lanecast/plugins \
    AIRFLOW__LOGGING__BASE_LOG_FOLDER=/var/lib/lanecast/logs \
    AIRFLOW__LOGGING__DAG_PROCESSOR_CHILD_PROCESS_LOG_DIRECTORY=/var/lib/lanecast/logs/dag_processor

# LightGBM needs OpenMP's runtime.
RUN apt-get update \
    && apt-get install -y --no-install-recommends libgomp1 \
    && rm -rf /var/lib/apt/lists/*

# A named volume takes the owner of the folder that it covers when it is first used.
RUN groupadd --gid 10001 lanecast \
    && useradd --uid 10001 --gid lanecast --create-home lanecast \
    && install -d -o lanecast -g lanecast /var/lib/lanecast /var/lib/lanecast/logs /var/lib/lanecast/raw /home/lanecast/airflow

WORKDIR /opt/lanecast
# Packages come first: they change seldom, and their layer is kept.
COPY requirements-build.txt requirements-server.txt ./
RUN python -m pip install --no-deps --require-hashes --only-binary=:all: \
    -r requirements-build.txt -r requirements-server.txt

COPY pyproject.toml README.md ./
COPY dags dags
COPY plugins plugins
COPY include include
RUN python -m pip install --no-deps --no-index --no-build-isolation --editable . \
    && python -m compileall -q dags plugins

USER lanecast
# Without this file Airflow writes one, with a key of its own making.
RUN touch /home/lanecast/airflow/airflow.cfg
CMD ["airflow", "version"]
