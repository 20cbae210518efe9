#!/usr/bin/env bash
# Every test, in three runs side by side: on a cluster they mostly wait, elsewhere they mostly compute.
# run.sh VENV PORT [ARGUMENT...]
set -uo pipefail
cd "$(dirname "$0")/.."

venv=$1 port=$2
shift 2
logs=$(mktemp -d)
trap 'rm -rf "$logs"' EXIT

"$venv/bin/python" -m tests.cluster.compose build || exit

run() { # NAME MARKS [ARGUMENT...]
    local name=$1 marks=$2
    shift 2
    "$venv/bin/pytest" -m "$marks" "$@" > "$logs/$name" 2>&1
}
run "elsewhere" "not cluster" "$@" &
elsewhere=$!
HPCBINDERHUB_SITE=second HPCBINDERHUB_PORT=$((port + 1)) run "second site" "second_site" "$@" &
second=$!
HPCBINDERHUB_PORT=$port run "first site" "cluster and not second_site" "$@" &
first=$!

worst=0 ran=0
for part in "elsewhere:$elsewhere" "second site:$second" "first site:$first"; do
    wait "${part##*:}"
    status=$?
    echo "== ${part%%:*}: exit code $status =="
    cat "$logs/${part%%:*}"
    # 5: it had nothing to run. Not all of them may say so.
    if ((status == 5)); then continue; fi
    ran=1
    if ((status > worst)); then worst=$status; fi
done
if ((!ran)); then exit 5; fi
exit "$worst"
