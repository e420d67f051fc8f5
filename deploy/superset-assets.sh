#!/bin/sh
# Datasets, charts and dashboards for Superset, once there are published tables. SUPERSET_HOME is the folder that both services share.
set -eu
: "${KAM_SITE:?Set KAM_SITE to the folder of the site}" "${SUPERSET_HOME:?Set SUPERSET_HOME to the folder of Superset}"
until [ -f "$KAM_SITE/published/kam.duckdb" ]; do
	echo "Waiting for published tables: close a month of $KAM_SITE"
	sleep "${LOOK_SECONDS:-10}"
done
# Complete or not there: the other service looks for the folder.
rm -rf "$SUPERSET_HOME/assets.new"
kam superset "$SUPERSET_HOME/assets.new"
rm -rf "$SUPERSET_HOME/assets"
mv "$SUPERSET_HOME/assets.new" "$SUPERSET_HOME/assets"
