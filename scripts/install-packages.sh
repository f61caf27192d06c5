#!/bin/sh
# Installs the packages of packages.txt's given sections that are missing. Asks dpkg first, so it costs nothing when
# all are there; needs root or sudo only when something is missing.
set -eu
cd "$(dirname "$0")/.."
wanted=""
for section in "$@"; do
    wanted="$wanted $(sed -n "s/^$section //p" packages.txt)"
done
if ! command -v dpkg-query > /dev/null; then
    echo "not a Debian system: install the equivalents of:$(echo $wanted)" >&2
    exit 0
fi
missing=""
for package in $wanted; do
    [ "$package" = npm ] && command -v npm > /dev/null && continue # whoever it is of: Debian's goes with no other node
    dpkg-query -W -f '${Status}' "$package" 2> /dev/null | grep -q 'ok installed' || missing="$missing $package"
done
[ -z "$missing" ] && exit 0
as_root=""
if [ "$(id -u)" != 0 ]; then
    command -v sudo > /dev/null || { echo "missing packages, install them as root: apt-get install$missing" >&2; exit 1; }
    as_root=sudo
fi
echo "installing:$missing" >&2
export DEBIAN_FRONTEND=noninteractive
log=$(mktemp)
trap 'rm -f "$log"' EXIT
$as_root apt-get update > "$log" 2>&1 || { cat "$log" >&2; exit 1; }
$as_root apt-get install -y --no-install-recommends $missing > "$log" 2>&1 || { cat "$log" >&2; exit 1; }
