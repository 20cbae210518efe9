#!/usr/bin/env bash
# Every test, in two runs side by side: on the cluster they mostly wait, elsewhere they mostly compute.
# run.sh PYTEST [ARGUMENT...]
set -uo pipefail

pytest=$1
shift
log=$(mktemp)
trap 'rm -f "$log"' EXIT

"$pytest" -m "not cluster and not browser" "$@" > "$log" 2>&1 &
elsewhere=$!
"$pytest" -m "cluster or browser" "$@"
cluster=$?
wait "$elsewhere"
host=$?
echo "== without the cluster =="
cat "$log"

# 5: there was nothing to run. Both may not say so.
if ((cluster == 5)); then exit "$host"; fi
if ((host == 5)); then exit "$cluster"; fi
exit $((cluster > host ? cluster : host))
