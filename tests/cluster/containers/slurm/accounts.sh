#!/usr/bin/env bash
# Slurm's accounts, QOS and users. dave gets none: he is the one whom Slurm refuses.
set -euo pipefail

# hpcwatch is made last: where it is there, all of it is.
if [[ -n $(sacctmgr -n -P show user hpcwatch format=User) ]]; then
    exit 0
fi
sacctmgr -i -Q <<'COMMANDS'
add cluster demo
add qos interactive Priority=100
add qos long Priority=10 MaxWall=2-00:00:00
add account geo Cluster=demo Description=geo Organization=demo QOS=normal,interactive,long DefaultQOS=normal
add account ml Cluster=demo Description=ml Organization=demo QOS=normal,interactive DefaultQOS=normal
add account builds Cluster=demo Description=builds Organization=demo QOS=normal DefaultQOS=normal
add account watch Cluster=demo Description=watch Organization=demo
add user alice Account=geo,ml DefaultAccount=geo
add user bob Account=geo
add user carol Account=geo,ml DefaultAccount=geo AdminLevel=Administrator
add user builder Account=builds
add user hpcwatch Account=watch AdminLevel=Operator MaxSubmitJobs=0
COMMANDS
