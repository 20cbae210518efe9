"""A job's own directory for temporary files on the node's disk, gone when the job is.

Who removes it must live longer than the engine, so the shell that makes it stays, and passes on the
signals that Slurm sends to it alone. A job that was killed at once leaves its directory to the
sweep of the user's next one there: as in `images/engines/fuse.py`, a lock stands for a job that
lives.
"""

from __future__ import annotations

from collections.abc import Sequence

SCRIPT = r"""
# The batch script ignores USR1 for the engine's sake, and no shell can take that back for itself.
if [[ -z $HPCBINDER_HEARS ]] && env --default-signal=USR1 true 2> /dev/null; then # coreutils 8.31
    exec env --default-signal=USR1 HPCBINDER_HEARS=1 bash -c "$BASH_EXECUTION_STRING" "$0" "$@"
fi
unset HPCBINDER_HEARS
folder=$1; shift
child=
for signal in TERM INT HUP USR1 USR2; do
    trap "[[ \$child ]] && kill -$signal \$child 2> /dev/null" "$signal"
done
store=$folder/hpcbinder-tmp-$UID
give_up() { printf '%s hpcbinder: node: %s\n' "$(date -u +%FT%TZ)" "$1" >&2; exit 1; }
remove() { chmod -R u+rwX -- "$1" 2> /dev/null; rm -rf -- "$1" "$1.used"; }

mkdir -m 700 -- "$store" 2> /dev/null
[[ -d $store && ! -L $store && -O $store ]] ||
    give_up "This node has no room for temporary files in $folder. Tell your help desk."
exec 8>"$store/lock"
flock 8
for used in "$store"/*.used; do
    [[ -e $used ]] || continue
    exec 7>"$used"
    if flock --nonblock 7; then remove "${used%.used}"; fi
    exec 7>&-
done
TMPDIR=$(mktemp -d -- "$store/XXXXXXXXXX") ||
    give_up "This node has no room for temporary files in $folder. Tell your help desk."
export TMPDIR
exec 9>"$TMPDIR.used"
flock 9
exec 8>&-

(trap '' USR1; exec "$@") 9>&- &
child=$!
while :; do
    wait "$child"; status=$?
    kill -0 "$child" 2> /dev/null || break
done
remove "$TMPDIR"
exit "$status"
"""


def with_own_tmp(command: Sequence[str], folder: str) -> list[str]:
    """The same command with a `TMPDIR` of its own below `folder`, on any node."""
    return ["bash", "-c", SCRIPT, "hpcbinder", folder, *command]
