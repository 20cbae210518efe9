#!/usr/bin/env bash
# Installs the Debian or Ubuntu packages that are missing: prepare.sh PACKAGE...
# Asks first, unless we are root or YES=1 is set.
set -euo pipefail

missing=()
for package in "$@"; do
    if ! dpkg-query --show --showformat='${Status}' "$package" 2> /dev/null | grep -q 'ok installed'; then
        # A name that this distribution does not know (chromium is a snap on Ubuntu) is left out, and said.
        if apt-cache show "$package" > /dev/null 2>&1 || [[ -z $(ls /var/lib/apt/lists 2> /dev/null) ]]; then
            missing+=("$package")
        else
            echo "prepare: there is no package $package here; going on without it"
        fi
    fi
done
if ((${#missing[@]} == 0)); then
    exit 0
fi

run=()
if ((EUID != 0)); then
    run=(sudo)
    if [[ ${YES:-} != 1 ]]; then
        read -r -p "Install with apt-get: ${missing[*]}? [y/N] " answer
        if [[ $answer != [yY]* ]]; then
            echo "prepare: nothing was installed. Install these yourself, or run again with YES=1." >&2
            exit 1
        fi
    fi
fi
echo "prepare: installing ${missing[*]}"
log=$(mktemp)
if ! { "${run[@]}" apt-get update -q && "${run[@]}" env DEBIAN_FRONTEND=noninteractive \
    apt-get install -q -y --no-install-recommends "${missing[@]}"; } > "$log" 2>&1; then
    tail -n 15 "$log" >&2
    echo "prepare: apt-get failed, see above. Is there a network, and is another apt-get running?" >&2
    exit 1
fi
rm -f "$log"
