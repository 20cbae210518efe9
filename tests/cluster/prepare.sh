#!/usr/bin/env bash
# Installs the Debian or Ubuntu packages that are missing: prepare.sh PACKAGE...
# A question mark behind a name: only where the distribution has such a package.
# Asks first, unless we are root or YES=1 is set.
set -euo pipefail

installed() { [[ $(dpkg-query --show --showformat='${Status}' "$1" 2> /dev/null) == *"ok installed" ]]; }
available() { [[ -n $(apt-cache madison "$1" 2> /dev/null) ]]; }

wanted() {
    local package name
    for package in "$@"; do
        name=${package%\?}
        if ! installed "$name" && { [[ $package == "$name" ]] || available "$name"; }; then
            echo "$name"
        fi
    done
}

root=()
if ((EUID != 0)); then root=(sudo); fi
log=$(mktemp)
trap 'rm -f "$log"' EXIT
apt() {
    if ! "${root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -q "$@" > "$log" 2>&1; then
        tail -n 15 "$log" >&2
        echo "prepare: apt-get $1 failed, see above. Is there a network, and is another apt-get running?" >&2
        exit 1
    fi
}

# Everybody may use it by the rule that comes with fuse3; where no udev runs, nobody applies that.
open_fuse() {
    if ((EUID == 0)) && [[ -c /dev/fuse ]]; then chmod 0666 /dev/fuse; fi
}

mapfile -t missing < <(wanted "$@")
open_fuse
if ((${#missing[@]} == 0)); then exit 0; fi
if ((EUID != 0)) && [[ ${YES:-} != 1 ]]; then
    read -r -p "Install with apt-get: ${missing[*]}? [y/N] " answer || true
    if [[ ${answer:-} != [yY]* ]]; then
        echo "prepare: nothing was installed. Install these yourself, or run again with YES=1." >&2
        exit 1
    fi
fi
echo "prepare: installing ${missing[*]}"
apt update
# Fresh lists may know more.
mapfile -t missing < <(wanted "$@")
apt install -y --no-install-recommends "${missing[@]}"
open_fuse
