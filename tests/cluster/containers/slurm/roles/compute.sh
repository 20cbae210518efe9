# A compute node: slurmd, and Charliecloud as the container engine.
# shellcheck shell=bash

# In a cgroup namespace of its own, slurmd's groups lie below this container's group, are limited with it and end with it.
if [[ ${CLUSTER_CGROUPNS:-} != own ]] && unshare --cgroup true 2>/dev/null; then
    exec env CLUSTER_CGROUPNS=own unshare --cgroup /usr/local/lib/cluster/entrypoint.sh compute
fi

# Cgroups count as usable where every controller that slurmd wants (version 1) can be mounted and written.
cgroups_usable() {
    local c at
    [[ ${CLUSTER_CGROUPNS:-} == own ]] || return 1
    for c in freezer cpuset memory devices cpuacct; do
        at=/sys/fs/cgroup/$c
        [[ -d $at ]] || return 1
        umount "$at" 2>/dev/null || true
        mount -t cgroup -o "$c" cgroup "$at" && mkdir -p "$at/trial" && rmdir "$at/trial" || return 1
    done
}

if cgroups_usable; then usable=yes; else usable=no; fi
say "cgroups usable: $usable"
if [[ $(hostname) == c1 ]]; then
    # All nodes must have the same slurm.conf, so one of them decides for all.
    echo "$usable" | write_file /etc/slurm/cgroups root:root 0644
fi

# The node's own disk.
chmod 1777 /local
# Charliecloud mounts squashfs files as an ordinary user.
chmod 0666 /dev/fuse
# The kernel lets an ordinary user mount /proc in a process namespace of her own only where one whole /proc is mounted
# already, and Docker's has parts covered. So there is a whole one, where nobody but root gets at it.
install -d -m 0700 /run/whole /run/whole/proc
mountpoint -q /run/whole/proc || mount -t proc proc /run/whole/proc
start_munge
wait_for_slurm_conf
install -d -m 0755 /var/lib/slurm/slurmd
exec slurmd -D
