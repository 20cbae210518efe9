#!/bin/bash
# Starts the build worker (as the account builder).
set -euo pipefail
cd /var/lib/builder
exec /opt/hpcbinderhub/bin/hpcbinderhub worker --hpcbinder /opt/hpcbinderhub/src/hpcbinder
