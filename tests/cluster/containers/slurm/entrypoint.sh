#!/usr/bin/env bash
# Starts one role of the test cluster: entrypoint.sh db|slurmdbd|slurmctld|compute|login|registry|git|imagegw
set -euo pipefail

here=/usr/local/lib/cluster
role=${1:?"which role? one of: $(cd $here/roles && echo *.sh)"}
script=$here/roles/$role.sh
if [[ ! -f $script ]]; then
    echo "no such role: $role (there are: $(cd $here/roles && echo *.sh))" >&2
    exit 64
fi
# shellcheck source=/dev/null
. $here/common.sh
# shellcheck source=/dev/null
. "$script"
