"""What a short job does on a compute node: it looks, and writes lines that begin with `check`.

The script is constant. What it looks at comes as words, so no path or address becomes shell text.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

MARK = "check\t"
LAST = "end"
LINGER_SECONDS = 40
"""So long the job lives on, to be cancelled by the hub."""

CALL = (
    'import json,ssl,sys,urllib.request as r;ca=json.load(open(sys.argv[1]))["ca"];'
    "c=ssl.create_default_context(cadata=ca) if ca else ssl.create_default_context();"
    "r.urlopen(sys.argv[2],timeout=20,context=c)"
)
"""Reaches the hub as the start command will, with the authority that jobs get."""

LISTEN = (
    "import socket,time;s=socket.socket();s.bind(('',0));s.listen();"
    'print(f"check\\tlisten\\t{s.getsockname()[1]}\\ncheck\\tend\\tyes",flush=True);'
    "s.settimeout(float(__import__('sys').argv[1]));"
    "c=s.accept()[0];c.sendall(b'check\\n');c.close();time.sleep(float(__import__('sys').argv[1]))"
)
"""Listens as a server will, for the hub to come, and lives on to be cancelled."""

SCRIPT = (
    r"""
say() { printf 'check\t%s\t%s\n' "$1" "${2//$'\n'/ }"; }
launch=$1 store=$2 url=$3 folder=${4:-${TMPDIR:-/tmp}} program=$5 call=$6 listen=$7 tmp=$8 roots=$9
shift 9
say host "$(hostname)"
for name in http_proxy https_proxy HTTP_PROXY HTTPS_PROXY; do
    [[ ${!name} ]] && say proxy "$name"
done
for ((; roots > 0; roots--)); do
    if [[ -d $1 && -r $1 && -x $1 ]]; then say root "yes $1"; else say root "no $1"; fi
    shift
done
[[ -s $launch/claim.json ]] && say shared yes || say shared no
[[ -d $store && -r $store && -x $store ]] && say store yes || say store no
if [[ -d $folder && -w $folder ]]; then
    say local "yes $folder $(df -Pm -- "$folder" 2> /dev/null | awk 'NR == 2 { print $4 }')"
else
    say local "no $folder 0"
fi
if [[ $tmp ]]; then
    if [[ -d $tmp && -w $tmp && -x $tmp ]]; then say tmp "yes $tmp"; else say tmp "no $tmp"; fi
fi
[[ -c /dev/fuse && -r /dev/fuse && -w /dev/fuse ]] && say fuse yes || say fuse no
unshare --user --map-root-user true 2> /dev/null && say userns yes || say userns no
if found=$(command -v "$program"); then
    version=$(timeout 20 "$found" --version 2>&1 < /dev/null)
    say engine "${version%%$'\n'*}"
fi
if (($#)); then
    words=$(timeout 120 "$@" 2>&1 < /dev/null) && say run yes ||
        say run "no $(tail -c 600 <<< "$words")"
fi
if command -v python3 > /dev/null; then
    words=$(timeout 30 python3 -I -c "$call" "$launch/claim.json" "$url" 2>&1) && say call yes ||
        say call "no ${words##*$'\n'}"
elif command -v curl > /dev/null; then
    ca=$(sed -n 's/.*"ca": "\([^"]*\)".*/\1/p' "$launch/claim.json")
    trust=(); [[ $ca ]] && trust=(--cacert <(printf '%b' "$ca"))
    words=$(curl -sSf -o /dev/null -m 20 "${trust[@]}" "$url" 2>&1) && say call yes ||
        say call "no $words"
fi
find "$launch" -mindepth 1 -depth -type d -empty -delete
say time "$(date +%s)"
command -v python3 > /dev/null && exec python3 -I -c "$listen" """
    + str(LINGER_SECONDS)
    + r"""
say end yes
exec sleep """
    + str(LINGER_SECONDS)
    + "\n"
)


@dataclass(frozen=True)
class Task:
    """What a node is to look at."""

    launch: str
    store: str
    url: str
    node_local: str
    program: str
    """The engine's."""

    node_tmp: str = ""
    """Where every job gets a `TMPDIR`, if there is such a place."""

    data_roots: Sequence[str] = ()
    container: Sequence[str] = ()
    """The engine's command line for a real image, if there is one."""


def words(task: Task) -> list[str]:
    """The job's command line."""
    fixed = (task.launch, task.store, task.url, task.node_local, task.program)
    roots = (str(len(task.data_roots)), *task.data_roots)
    return [
        "/bin/bash",
        "-c",
        SCRIPT,
        "check",
        *fixed,
        CALL,
        LISTEN,
        task.node_tmp,
        *roots,
        *task.container,
    ]


def read(log: str) -> dict[str, list[str]]:
    """What a node wrote, by what it is about, among whatever else is in the job's log."""
    found: dict[str, list[str]] = {}
    for line in log.splitlines():
        if line.startswith(MARK):
            name, _, value = line[len(MARK) :].partition("\t")
            found.setdefault(name, []).append(value)
    return found
