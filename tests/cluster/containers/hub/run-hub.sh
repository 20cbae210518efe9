#!/bin/bash
# Starts JupyterHub (as the account hub).
set -euo pipefail
cd /var/lib/hpcbinderhub
CONFIGPROXY_AUTH_TOKEN=$(cat /var/lib/hpcbinderhub/proxy-token)
export CONFIGPROXY_AUTH_TOKEN
# For tests of clocks that are wrong: how far off, such as "-300s".
if [[ -f /etc/jupyterhub/clock ]]; then
    FAKETIME=$(cat /etc/jupyterhub/clock)
    export FAKETIME FAKETIME_DONT_FAKE_MONOTONIC=1 LD_PRELOAD=libfaketime.so.1
    LD_LIBRARY_PATH=$(echo /usr/lib/*/faketime)
    export LD_LIBRARY_PATH
fi
exec /opt/hpcbinderhub/bin/jupyterhub --config /etc/jupyterhub/jupyterhub_config.py
