# A container registry: plain HTTP, reachable from the cluster's own network alone.
# shellcheck shell=bash
install -d -o docker-registry -g docker-registry /var/lib/docker-registry
exec setpriv --reuid=docker-registry --regid=docker-registry --init-groups \
    docker-registry serve /etc/docker/registry/config.yml
