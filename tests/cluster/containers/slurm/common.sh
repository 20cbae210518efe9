# What several roles need; sourced by entrypoint.sh.
# shellcheck shell=bash

say() { echo "[$(hostname)] $*" >&2; }

# wait_for SECONDS WHAT COMMAND...: containers start in any order, so each one waits for what it needs itself.
wait_for() {
    local seconds=$1 what=$2 end=$((SECONDS + $1))
    shift 2
    until "$@" 2>/dev/null; do
        if ((SECONDS >= end)); then
            say "gave up after $seconds s waiting for $what"
            exit 1
        fi
        sleep 0.1
    done
}

port_open() { timeout 2 bash -c "exec 3<>/dev/tcp/$1/$2"; }

# write_file PATH OWNER MODE < content: readers in other containers never see half a file.
write_file() {
    local temp
    temp=$(mktemp "$1.XXXXXX")
    cat > "$temp"
    chown "$2" "$temp"
    chmod "$3" "$temp"
    mv -f "$temp" "$1"
}

start_munge() {
    wait_for 60 "the munge key, which slurmctld makes" test -s /etc/munge/munge.key
    install -d -o munge -g munge -m 0755 /run/munge
    install -d -o munge -g munge -m 0700 /var/log/munge /var/lib/munge
    rm -f /run/munge/*
    setpriv --reuid=munge --regid=munge --init-groups munged
}

wait_for_slurm_conf() {
    wait_for 90 "/etc/slurm/slurm.conf, which slurmctld writes" test -s /etc/slurm/slurm.conf
    install -d /run/hpcbinderhub
    cp /etc/slurm/cgroups /run/hpcbinderhub/cgroups
}
