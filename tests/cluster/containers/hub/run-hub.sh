#!/bin/bash
# Starts JupyterHub (as the account hub).
set -euo pipefail
cd /var/lib/hpcbinderhub
CONFIGPROXY_AUTH_TOKEN=$(cat /var/lib/hpcbinderhub/proxy-token)
export CONFIGPROXY_AUTH_TOKEN
exec /opt/hpcbinderhub/bin/jupyterhub \
    --ConfigurableHTTPProxy.should_start=False --ConfigurableHTTPProxy.api_url=http://127.0.0.1:8001 \
    --JupyterHub.hub_bind_url=http://0.0.0.0:8081 --JupyterHub.hub_connect_ip=hub
