"""Nodes without FUSE: there the artefact is unpacked to the node's own disk, once for all of a
user's jobs on it, and removed when the last of them has ended.

Whether a node has FUSE is known there alone, so the command line decides: a constant script, with
the artefact, the directory and the engine's own command as its arguments. One lock lets one job at
a time make or remove images; another, shared, stands for each job that uses one. A job that was
killed leaves its image to the next one's sweep.
"""

from __future__ import annotations

from collections.abc import Sequence

SCRIPT = r"""
image=$1 folder=${2:-${TMPDIR:-/tmp}}; shift 2
if [[ -c /dev/fuse && -r /dev/fuse && -w /dev/fuse ]]; then exec "$@"; fi

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


def unpacked_without_fuse(command: Sequence[str], image: str, folder: str) -> list[str]:
    """The same command; on a node without FUSE, with a directory in the artefact's place."""
    return ["bash", "-c", SCRIPT, "hpcbinder", image, folder, *command]
