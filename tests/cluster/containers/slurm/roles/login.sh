# The login node: sshd, Slurm's commands, and everybody's home and scratch directories.
# shellcheck shell=bash

# The host key survives in a volume; its public part goes to where the hub can read it, and no private key ever does.
key=/etc/ssh/keys/ssh_host_ed25519_key
if [[ ! -s $key ]]; then
    ssh-keygen -q -t ed25519 -N '' -C login -f $key
fi
echo "login $(cut -d' ' -f1,2 $key.pub)" | write_file /export/known_hosts root:root 0644

make_private() { # OWNER DIRECTORY [SKELETON]
    if [[ ! -d $2 ]]; then
        install -d -m 0700 "$2"
        if [[ -n ${3:-} ]]; then cp -a "$3/." "$2"; fi
        chown -R "$1:$1" "$2"
    fi
}
for user in alice bob carol dave hpcwatch builder; do
    make_private $user /home/$user /etc/skel
    make_private $user /scratch/$user
done
chmod 0755 /home /scratch
install -d -m 0755 /scratch/shared
echo "hello from the scratch file system" | write_file /scratch/shared/hello.txt root:root 0644
echo "Data for everybody. /scratch/<user> is private." | write_file /scratch/shared/README.txt root:root 0644

start_munge
wait_for_slurm_conf
wait_for 90 "the SSH user CA, which hub makes" test -s /trust/user_ca.pub
write_file /etc/ssh/user_ca.pub root:root 0644 < /trust/user_ca.pub
exec /usr/sbin/sshd -D -e
