# Apache Superset with the dashboards of kam-close, in an image of its own: it wants older packages than Prefect does.
# Build it from the top of the checkout: docker build --file deploy/superset.Dockerfile --tag kam-close-superset .
FROM python:3.11-slim-bookworm AS build
WORKDIR /opt/superset
COPY requirements-pip.lock requirements-superset.lock /tmp/locks/
# Every package by its hash; --no-deps because the lock files hold the whole tree.
RUN python -m venv .venv \
    && .venv/bin/python -m pip install --no-cache-dir --no-deps --require-hashes --requirement /tmp/locks/requirements-pip.lock \
    && .venv/bin/python -m pip install --no-cache-dir --no-deps --require-hashes --requirement /tmp/locks/requirements-superset.lock

FROM python:3.11-slim-bookworm
# The same user as in the other image: it reads the site, and its home is the only place where it may write.
RUN groupadd --gid 10001 kam \
    && useradd --uid 10001 --gid kam --home-dir /var/lib/superset --create-home --shell /usr/sbin/nologin kam
COPY --from=build /opt/superset /opt/superset
COPY dashboards/superset/set_up.py dashboards/superset/superset_config.py /opt/superset/dashboards/superset/
COPY deploy/superset.sh /opt/superset/deploy/
ENV PATH=/opt/superset/.venv/bin:$PATH \
    HOME=/var/lib/superset \
    SUPERSET_HOME=/var/lib/superset \
    SUPERSET_CONFIG_PATH=/opt/superset/dashboards/superset/superset_config.py \
    SCARF_ANALYTICS=false \
    DO_NOT_TRACK=1 \
    PYTHONUNBUFFERED=1
WORKDIR /opt/superset
USER 10001:10001
VOLUME /var/lib/superset
CMD ["sh", "deploy/superset.sh"]
