#!/bin/bash
# Makes what is missing (keys, certificates, directories, the installed project), then hands over to supervisord.
set -euo pipefail
umask 022

chmod 0666 /dev/fuse
# Builds are connected through it. Where it cannot be made, they have the container's network, and their users' trust.
if [[ ! -e /dev/net/tun ]]; then
    install -d /dev/net
    mknod -m 0666 /dev/net/tun c 10 200 || echo "[hub] no /dev/net/tun: builds have no network of their own" >&2
fi
# The kernel lets an ordinary user mount /proc in a process namespace of her own only where one whole /proc is mounted
# already, and Docker's has parts covered. So there is a whole one, where nobody but root gets at it.
install -d -m 0700 /run/whole /run/whole/proc
mountpoint -q /run/whole/proc || mount -t proc proc /run/whole/proc
install -d -o hub -g hub -m 0700 /var/lib/hpcbinderhub
install -d -o builder -g builder -m 0700 /var/lib/builder /run/user/901
install -d -o builder -g builder -m 0755 /artefacts
install -d -o sshca -g sshca -m 0700 /var/lib/sshca
install -d -o root -g www-data -m 0750 /var/lib/tls
install -d -o www-data -g www-data -m 0700 /run/tls

if [[ ! -s /var/lib/hpcbinderhub/proxy-token ]]; then
    (umask 077 && openssl rand -hex 32 > /var/lib/hpcbinderhub/proxy-token.new)
    chown hub:hub /var/lib/hpcbinderhub/proxy-token.new
    mv /var/lib/hpcbinderhub/proxy-token.new /var/lib/hpcbinderhub/proxy-token
fi

# The key for users' credentials.
if [[ ! -s /var/lib/hpcbinderhub/credential-keys ]]; then
    (umask 077 && openssl rand -base64 32 | tr '+/' '-_' > /var/lib/hpcbinderhub/credential-keys.new)
    chown hub:hub /var/lib/hpcbinderhub/credential-keys.new
    mv /var/lib/hpcbinderhub/credential-keys.new /var/lib/hpcbinderhub/credential-keys
fi

# The worker's token, and what the service knows of it.
if [[ ! -s /var/lib/builder/worker-token ]]; then
    (umask 077 && openssl rand -hex 32 > /var/lib/builder/worker-token.new)
    chown builder:builder /var/lib/builder/worker-token.new
    mv /var/lib/builder/worker-token.new /var/lib/builder/worker-token
fi
tr -d '\n' < /var/lib/builder/worker-token | sha256sum | cut -d' ' -f1 > /trust/worker-token.sha256

# The SSH user CA: only sshca can read the key, everybody the public part. login waits for it.
if [[ ! -s /var/lib/sshca/user_ca ]]; then
    setpriv --reuid=sshca --regid=sshca --clear-groups ssh-keygen -q -t ed25519 -N '' -C hpcbinderhub-user-ca -f /var/lib/sshca/user_ca
fi
install -m 0644 /var/lib/sshca/user_ca.pub /trust/user_ca.pub.new
mv /trust/user_ca.pub.new /trust/user_ca.pub

# The TLS CA and the server's certificate.
cd /var/lib/tls
if [[ ! -s server.pem ]]; then
    (umask 077 && openssl ecparam -genkey -name prime256v1 -noout -out ca.key)
    openssl req -x509 -new -key ca.key -days 3650 -subj '/CN=HPC BinderHub cluster CA' -out ca.pem \
        -addext 'basicConstraints=critical,CA:TRUE' -addext 'keyUsage=critical,keyCertSign,cRLSign'
    (umask 077 && openssl ecparam -genkey -name prime256v1 -noout -out server.key)
    chgrp www-data server.key && chmod 0640 server.key
    printf '%s\n' 'subjectAltName=DNS:hub,DNS:localhost,IP:127.0.0.1' 'extendedKeyUsage=serverAuth' \
        'basicConstraints=CA:FALSE' > server.ext
    openssl req -new -key server.key -subj '/CN=hub' \
        | openssl x509 -req -CA ca.pem -CAkey ca.key -CAcreateserial -days 825 -extfile server.ext -out server.pem.new 2>/dev/null
    mv server.pem.new server.pem
fi
install -m 0644 ca.pem /trust/ca.pem
cd /

# The login node's host key. Without it the hub could not check whom it talks to, so nothing starts without it.
for ((i = 0; i < 600; i++)); do
    if [[ -s /import/login/known_hosts ]]; then break; fi
    sleep 0.1
done
if [[ ! -s /import/login/known_hosts ]]; then
    echo "[hub] gave up after 60 s waiting for the login node's host key; is login running?" >&2
    exit 1
fi
install -m 0644 /import/login/known_hosts /trust/known_hosts

echo "[hub] project: $(/usr/local/libexec/install-project)"
# That mount was all that SYS_ADMIN was for.
exec setpriv --bounding-set=-sys_admin --inh-caps=-sys_admin supervisord -n -c /etc/supervisor/supervisord.conf
