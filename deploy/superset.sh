#!/bin/sh
# Superset with the dashboards of kam-close. Each start imports what superset-assets.sh wrote; it doubles nothing.
set -eu
cd "$(dirname "$0")/.."
: "${SUPERSET_HOME:?Set SUPERSET_HOME to the folder of Superset}"
until [ -d "$SUPERSET_HOME/assets" ]; do
	echo "Waiting for the dashboards, which are written after the first close"
	sleep "${LOOK_SECONDS:-10}"
done
python dashboards/superset/set_up.py "$SUPERSET_HOME"
exec gunicorn --bind 0.0.0.0:8088 --workers 2 --worker-class gthread --threads 8 --timeout 120 "superset.app:create_app()"
