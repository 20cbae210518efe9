#!/bin/bash
# Starts the build worker (as the account builder).
set -euo pipefail
cd /var/lib/builder
if [[ ! -x /opt/hpcbinderhub/bin/hpcbinderhub ]]; then
    echo "the project is not installed yet: no worker"
    exec sleep infinity
fi
exec /opt/hpcbinderhub/bin/hpcbinderhub worker
