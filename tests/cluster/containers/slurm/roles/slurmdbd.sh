# Slurm's accounting daemon.
# shellcheck shell=bash
wait_for 60 "the database password, which db makes" test -s /secret/password
install -d /etc/slurm
sed "s/@PASSWORD@/$(cat /secret/password)/" /usr/local/lib/cluster/etc/slurmdbd.conf.in \
    | write_file /etc/slurm/slurmdbd.conf slurm:slurm 0600
start_munge
wait_for 60 "the database on db:3306" port_open db 3306
exec slurmdbd -D
