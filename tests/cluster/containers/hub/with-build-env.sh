#!/bin/sh
# Runs a command with the CA bundle and the settings that compose.py found in HPCBINDERHUB_CA_BUNDLE and HPCBINDERHUB_BUILD_ENV.
set -eu
if [ -s /build/build-ca.crt ]; then
    export SSL_CERT_FILE=/build/build-ca.crt PIP_CERT=/build/build-ca.crt REQUESTS_CA_BUNDLE=/build/build-ca.crt
    export NODE_EXTRA_CA_CERTS=/build/build-ca.crt npm_config_cafile=/build/build-ca.crt
fi
while read -r setting; do
    if [ -n "$setting" ]; then export "${setting?}"; fi
done < /build/build.env
exec "$@"
