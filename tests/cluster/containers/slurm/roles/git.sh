# Read-only Git over HTTP: http://git/NAME.git
# shellcheck shell=bash
exec lighttpd -D -f /etc/lighttpd/lighttpd.conf
