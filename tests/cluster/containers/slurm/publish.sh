#!/usr/bin/env bash
# publish.sh < TAR: makes every top directory NAME of the tar a repository /srv/git/NAME.git with one commit, and prints
# NAME and the commit. Author, dates and message are fixed: the same content gives the same commit everywhere.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export GIT_AUTHOR_NAME='HPC BinderHub examples' GIT_AUTHOR_EMAIL=examples@example.org GIT_AUTHOR_DATE='2026-01-01T00:00:00Z'
export GIT_COMMITTER_NAME=$GIT_AUTHOR_NAME GIT_COMMITTER_EMAIL=$GIT_AUTHOR_EMAIL GIT_COMMITTER_DATE=$GIT_AUTHOR_DATE

umask 022
mkdir "$work/trees" "$work/bare"
tar -x --no-same-owner -f - -C "$work/trees"
for tree in "$work"/trees/*/; do
    tree=${tree%/}
    name=${tree##*/}
    git init -q -b main "$tree"
    git -C "$tree" add -A
    git -C "$tree" commit -q --allow-empty -m "Example: $name"
    if [[ ! -d /srv/git/$name.git ]]; then
        # Made aside and moved, so that nobody clones half a repository.
        git clone -q --bare "$tree" "$work/bare/$name.git"
        git -C "$work/bare/$name.git" remote remove origin
        mv "$work/bare/$name.git" "/srv/git/$name.git"
    else
        git -C "$tree" push -q --force "/srv/git/$name.git" main
    fi
    echo "$name $(git -C "$tree" rev-parse main)"
done
