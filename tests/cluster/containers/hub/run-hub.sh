#!/bin/bash
# Starts JupyterHub (as the account hub).
set -euo pipefail
cd /var/lib/hpcbinderhub
CONFIGPROXY_AUTH_TOKEN=$(cat /var/lib/hpcbinderhub/proxy-token)
export CONFIGPROXY_AUTH_TOKEN
exec /opt/hpcbinderhub/bin/jupyterhub --config /etc/jupyterhub/jupyterhub_config.py
