"""Engines that mount an artefact themselves do it with FUSE: a program that serves its files.

*Signals.* That program is among the job's processes, and Slurm's SIGTERM goes to all of them: it
would stop at once, and the command would lose its files before it could end (`ch-run` says 0 then).
So the engine is started with SIGTERM blocked, which the start command undoes for itself.

*Nodes without FUSE.* There the artefact is unpacked to the node's own disk, once for all of a
user's jobs on it, and removed when the last of them has ended. One lock lets one job at a time make
or remove images; another, shared, stands for each job that uses one. A job that was killed leaves
its image to the next one's sweep.

Whether a node has FUSE is known there alone, so the command line decides: a constant script, with
the artefact, the directory and the engine's own command as its arguments.
"""

from __future__ import annotations

from collections.abc import Sequence

SCRIPT = r"""
image=$1 folder=${2:-${TMPDIR:-/tmp}}; shift 2
if [[ -c /dev/fuse && -r /dev/fuse && -w /dev/fuse ]]; then
    calm=(env --block-signal=TERM)
    "${calm[@]}" true 2> /dev/null || calm=(env) # coreutils before 8.31
    exec "${calm[@]}" "$@"
fi

give_up() { printf '%s hpcbinder: node: %s\n' "$(date -u +%FT%TZ)" "$1" >&2; exit 1; }
remove_unless_used() {
    exec 7>"$1.used"
    if flock --nonblock 7; then chmod -R u+rwX -- "$1"; rm -rf -- "$1" "$1.used"; fi
    exec 7>&-
}

store=$folder/hpcbinder-images-$UID
mkdir -m 700 -- "$store" 2> /dev/null
[[ -d $store && ! -L $store && -O $store ]] ||
    give_up "This node has no FUSE, and no image can be unpacked in $folder. Tell your help desk."
name=${image##*/}
root=$store/${name%.squashfs}
exec 8>"$store/lock"
flock 8
for used in "$store"/*.used; do
    [[ -e $used && $used != "$root.used" ]] && remove_unless_used "${used%.used}"
done
took="an earlier job had unpacked it"
if [[ ! -d $root ]]; then
    [[ -e $root.part ]] && { chmod -R u+rwX -- "$root.part"; rm -rf -- "$root.part"; }
    if ! words=$(unsquashfs -no-progress -quiet -no-xattrs -dest "$root.part" "$image" 2>&1); then
        chmod -R u+rwX -- "$root.part" 2> /dev/null; rm -rf -- "$root.part"
        give_up "This node has no FUSE, and the image could not be unpacked below $folder: $words"
    fi
    mv -- "$root.part" "$root"
    took="which took $SECONDS s"
fi
exec 9>"$root.used"
flock --shared 9
flock --unlock 8

export HPCBINDER_NODE_NOTICE="This node cannot mount images (it has no FUSE), so yours was \
unpacked to the node's own disk: $took."
command=()
for word; do
    if [[ $word == "$image" ]]; then word=$root; fi
    command+=("$word")
done
"${command[@]}" 8>&- 9>&- &
child=$!
trap 'kill -TERM "$child"' TERM
trap 'kill -INT "$child"' INT
while :; do
    wait "$child"; status=$?
    kill -0 "$child" 2> /dev/null || break
done
exec 9>&-
flock 8
remove_unless_used "$root"
exit "$status"
"""


def mounted_or_unpacked(command: Sequence[str], image: str, folder: str) -> list[str]:
    """The same command, to be run on any node; without FUSE, with a directory in the artefact's
    place. The directory is below `folder`; or `TMPDIR` or `/tmp`, if that is empty."""
    return ["bash", "-c", SCRIPT, "hpcbinder", image, folder, *command]
