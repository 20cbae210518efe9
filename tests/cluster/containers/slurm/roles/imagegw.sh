# The double of Shifter's image gateway: takes in ready squashfs files from the artefact store.
# shellcheck shell=bash
for directory in /scratch/.shifter /scratch/.shifter/images /scratch/.shifter/cache /scratch/.shifter/expand; do
    install -d -o shiftergw -g shiftergw -m 0755 $directory
done
start_munge
exec setpriv --reuid=shiftergw --regid=shiftergw --init-groups \
    python3 -I /opt/doubles/bin/imagegwd --host 0.0.0.0 --port 5000
