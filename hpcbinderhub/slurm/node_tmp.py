"""A job's own directory for temporary files on the node's disk, gone when the job is.

Who removes it must live longer than the engine, so the shell that makes it stays, and passes on the
signals that Slurm sends to it alone. A job that was killed at once leaves its directory to the
sweep of the user's next one there: as in `images/engines/fuse.py`, a lock stands for a job that
lives.
"""

from __future__ import annotations

from collections.abc import Sequence

SCRIPT = r"""
folder=$1; shift
child= told=
pass_on() { [[ ! $told || ! $child ]] || { kill -"$told" "$child" 2> /dev/null; told=; }; }
for signal in TERM INT HUP USR2; do
    trap "told=$signal; pass_on" "$signal"
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

"$@" 9>&- &
child=$!
# What came before there was anybody to be told.
pass_on
while kill -0 "$child" 2> /dev/null; do wait "$child"; done
# Not what a signal made of the waiting; see `STAY` of `script.py` for -1.
wait "$child"; status=$?
[[ $status != -1 ]] || status=143
remove "$TMPDIR"
exit "$status"
"""


def with_own_tmp(command: Sequence[str], folder: str) -> list[str]:
    """The same command with a `TMPDIR` of its own below `folder`, on any node."""
    return ["bash", "-c", SCRIPT, "hpcbinder", folder, *command]
