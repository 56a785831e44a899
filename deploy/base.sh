#!/bin/sh
# Makes a base for deploy/Dockerfile out of Debian packages alone, where no registry can be reached.
#   deploy/base.sh NAME [PACKAGE…]     e.g.  deploy/base.sh relbot-base:bookworm
# Needs root, debootstrap and a running Docker engine. MIRROR and SUITE choose where the packages come from.
set -eu

name=${1:?usage: deploy/base.sh NAME [PACKAGE…]}
shift
packages=python3,python3-venv,git,ca-certificates,tini,openssh-client,gpg,gpg-agent
for package; do packages=$packages,$package; done

root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT INT TERM
# The packages are kept for the next time: CACHE names a folder of their files.
if [ -n "${CACHE:-}" ]; then mkdir -p "$CACHE"; fi
debootstrap --variant=minbase --include="$packages" ${CACHE:+--cache-dir="$CACHE"} \
  "${SUITE:-bookworm}" "$root" "${MIRROR:-http://deb.debian.org/debian}" >"$root.log" 2>&1 || {
  tail -20 "$root.log" >&2
  exit 1
}
rm -f "$root.log"
# What a container never reads: the archives, manuals and translations. Licences stay.
rm -rf "$root"/var/cache/apt/* "$root"/var/lib/apt/lists/* "$root"/var/log/* \
  "$root"/usr/share/man "$root"/usr/share/info "$root"/usr/share/locale "$root"/dev/*
find "$root/usr/share/doc" -depth -not -name copyright \( -type f -o -type l \) -delete
find "$root/usr/share/doc" -depth -type d -empty -delete
tar -C "$root" -c . | docker import --change 'ENV LANG=C.UTF-8' --change 'CMD ["bash"]' - "$name" >/dev/null
echo "$name"
