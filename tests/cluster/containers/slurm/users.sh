#!/usr/bin/env bash
# The people and groups of the test cluster, with the same numbers on every node (run while the image is built).
set -euo pipefail

groupadd -g 3001 geo
groupadd -g 3002 ml

# name uid groups shell
while read -r name uid groups shell; do
    # '*' and not '!': no password either way, but sshd takes '!' for a locked account and refuses its certificates.
    useradd --no-create-home --uid "$uid" --user-group --groups "$groups" --shell "$shell" --password '*' "$name"
done <<'PEOPLE'
alice    2001 geo,ml /bin/bash
bob      2002 geo    /bin/tcsh
carol    2003 geo,ml /bin/bash
dave     2004 users  /bin/bash
hpcwatch 2900 users  /bin/bash
shiftergw 2901 users  /usr/sbin/nologin
builder  901  users  /bin/bash
PEOPLE
# The one account with a range of subordinate ids: the hub's builder, as which builders' jobs run.
echo builder:200000:65536 > /etc/subuid
echo builder:200000:65536 > /etc/subgid
