# Slurm's controller. It also makes what all nodes share: the munge key, /etc/slurm, and the accounts.
# shellcheck shell=bash
if [[ ! -s /etc/munge/munge.key ]]; then
    head -c 1024 /dev/urandom | write_file /etc/munge/munge.key munge:munge 0400
fi
start_munge

wait_for 60 "c1 to find out whether cgroups can be used" test -s /etc/slurm/cgroups
if [[ $(cat /etc/slurm/cgroups) == yes ]]; then
    plugins=(proctrack/cgroup task/cgroup jobacct_gather/cgroup)
else
    plugins=(proctrack/linuxproc task/none jobacct_gather/linux)
fi
templates=/usr/local/lib/cluster/etc
write_file /etc/slurm/cgroup.conf root:root 0644 < $templates/cgroup.conf
write_file /etc/slurm/gres.conf root:root 0644 < $templates/gres.conf
sed -e "s,@PROCTRACK@,${plugins[0]}," -e "s,@TASK@,${plugins[1]}," -e "s,@JOBACCT@,${plugins[2]}," \
    $templates/slurm.conf.in | write_file /etc/slurm/slurm.conf root:root 0644
wait_for_slurm_conf

install -d -o slurm -g slurm -m 0700 /var/lib/slurm/slurmctld
wait_for 90 "slurmdbd on slurmdbd:6819" port_open slurmdbd 6819
# Before the controller starts, so that its first look at the associations is already the right one.
/usr/local/lib/cluster/accounts.sh
exec slurmctld -D
