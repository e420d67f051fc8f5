#!/bin/sh
# Work pool, deployments and automations on the Prefect server of PREFECT_API_URL. Run it again after each upgrade; it doubles nothing.
set -eu
cd "$(dirname "$0")/.."
: "${KAM_SITE:?Set KAM_SITE to the folder of the site}"
prefect --no-prompt work-pool inspect kam >/dev/null 2>&1 || prefect --no-prompt work-pool create kam --type process
prefect --no-prompt deploy --all
python -m flows.deploy --strict
if [ -n "${KAM_ALERT_URL:-}" ]; then
	kam alerts automations
else
	echo "KAM_ALERT_URL is not set: nobody gets a message about a run that crashed or is late."
fi
