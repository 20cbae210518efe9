#!/bin/sh
# Add the tools to an image that another build pack or a Dockerfile made. Runs as root inside that image; knows nothing
# about it beforehand. Lines that begin with "hpcbinder-tools:" are read by the builder.
#
# usage: add-tools.sh        the image's own Python gets a virtual environment with the tools
#        add-tools.sh conda  the tools go into repo2docker's own environment, $NB_PYTHON_PREFIX
set -eu
export DEBIAN_FRONTEND=noninteractive

base=/srv/hpcbinder
uv=$base/tools/uv
env=$base/env

fail() {
    echo "hpcbinder-tools: $1: $2"
    exit 1
}

add_git() {
    command -v git > /dev/null && return
    if command -v apt-get > /dev/null; then
        apt-get -qq update && apt-get -qq install --yes --no-install-recommends git ca-certificates > /dev/null
        rm -rf /var/lib/apt/lists/*
    elif command -v dnf > /dev/null; then
        dnf --quiet --assumeyes install git && dnf --quiet clean all
    elif command -v apk > /dev/null; then
        apk add --quiet --no-cache git
    fi
    command -v git > /dev/null || fail no-git "git could not be installed into the image"
}

# The image's first Python that is new enough: PATH decides, as it does for the repository's own programs.
find_python() {
    for name in python3 python; do
        found=$(command -v "$name") || continue
        if "$found" -c 'import sys; sys.exit(sys.version_info < (3, 9))'; then
            python=$found
            return
        fi
        fail no-python "its $found is older than 3.9"
    done
    fail no-python "it holds neither python3 nor python"
}

# Notebooks run in the new environment and must see what the image installed for its own Python, which may itself be a
# virtual environment; --system-site-packages alone would look at the interpreter behind that one.
make_environment() {
    rm -rf "$env"
    "$uv" venv --quiet --no-cache --python "$python" --system-site-packages "$env"
    packages=$("$env/bin/python3" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
    "$python" -c 'import sys
for path in sys.path:
    if path.endswith(("site-packages", "dist-packages")):
        print(path)' > "$packages/image.pth"
    prefix=$("$python" -c 'import sys; print(sys.prefix)')
    install_tools "$env/bin/python3"
    for kernel in "$prefix"/share/jupyter/kernels/*; do
        name=$(basename "$kernel")
        if [ -d "$kernel" ] && [ ! -e "$env/share/jupyter/kernels/$name" ]; then
            ln -s "$kernel" "$env/share/jupyter/kernels/$name"
        fi
    done
}

install_tools() {
    set -- "$1" "$base"/tools/wheels/*.whl
    "$uv" pip install --no-cache --no-progress --compile-bytecode --python "$1" \
        "hpcbinder[server] @ file://$2" 'jupyterlab>=4' 'jupyterhub>=4' dask distributed 'ipykernel>=6' ||
        fail conflict "the tools could not be installed beside the image's own Python packages"
}

# repo2docker puts HOME below /home, which engines hide.
move_home() {
    mkdir -p /srv/home
    if [ -d "/home/$NB_USER" ] && [ ! -L "/home/$NB_USER" ]; then
        cp -a "/home/$NB_USER/." /srv/home/
        rm -rf "/home/$NB_USER"
        ln -s /srv/home "/home/$NB_USER"
    fi
    chown "$NB_USER:" /srv/home
}

add_git
if [ "${1:-}" = conda ]; then
    move_home
fi
if [ "${1:-}" = conda ] && [ -n "${NB_PYTHON_PREFIX:-}" ]; then
    env=$NB_PYTHON_PREFIX
    install_tools "$env/bin/python3"
else
    find_python
    make_environment
fi

"$env/bin/jupyterhub-singleuser" --version > /dev/null || fail broken "jupyterhub-singleuser does not start"
"$env/bin/python3" -c 'import dask, distributed, jupyterlab' || fail broken "dask, distributed or jupyterlab do not import"

mkdir -p "$base/bin"
ln -sf "$env/bin/hpcbinder" "$env/bin/jupyterhub-singleuser" "$base/bin/"
printf '#!/bin/sh\nexec %s/bin/python3 "$@"\n' "$env" > "$base/bin/python3"
chmod 0755 "$base/bin/python3"
rm -rf /root/.cache
chmod -R a+rX "$base"
