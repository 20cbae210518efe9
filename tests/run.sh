#!/usr/bin/env bash
# Every test, in three runs side by side: on a cluster they mostly wait, elsewhere they mostly compute.
# Those elsewhere begin while the cluster's images are made.
# run.sh VENV PORT [ARGUMENT...]
set -uo pipefail
cd "$(dirname "$0")/.."

venv=$1 port=$2
shift 2
logs=$(mktemp -d)
trap 'rm -rf "$logs"' EXIT

run() { # NAME MARKS [ARGUMENT...]
    local name=$1 marks=$2
    shift 2
    "$venv/bin/pytest" -m "$marks" "$@" > "$logs/$name" 2>&1
}
worst=0 ran=0
run "elsewhere" "not cluster" "$@" &
parts=("elsewhere:$!")
if "$venv/bin/python" -m tests.cluster.compose build; then
    HPCBINDERHUB_SITE=second HPCBINDERHUB_PORT=$((port + 1)) run "second site" "second_site" "$@" &
    parts+=("second site:$!")
    HPCBINDERHUB_PORT=$port run "first site" "cluster and not second_site" "$@" &
    parts+=("first site:$!")
else
    echo "== no site: its images could not be made, see above =="
    worst=1
fi

for part in "${parts[@]}"; do
    wait "${part##*:}"
    status=$?
    echo "== ${part%%:*}: exit code $status =="
    cat "$logs/${part%%:*}"
    # 5: it had nothing to run. Not all of them may say so.
    if ((status == 5)); then continue; fi
    ran=1
    if ((status > worst)); then worst=$status; fi
done
if ((!ran && !worst)); then exit 5; fi
exit "$worst"
