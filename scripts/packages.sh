#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Installs what of scripts/packages.txt is missing, with apt-get (through sudo where needed). Quiet when nothing is.
# Plain shell, because a fresh Debian has git and make but no Python.
set -e
wanted=$(sed 's/#.*//' "$(dirname "$0")/packages.txt")

missing=
for package in $wanted; do
    case $(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null) in
    installed) ;;
    *) missing="$missing $package" ;;
    esac
done
[ -n "$missing" ] || exit 0

privilege=
if [ "$(id -u)" -ne 0 ]; then
    if ! command -v sudo >/dev/null; then
        echo "packages: these are missing, and there is no sudo. Install them as root, then try again:$missing" >&2
        exit 1
    fi
    privilege=sudo
fi
echo "packages: installing$missing"
$privilege env DEBIAN_FRONTEND=noninteractive apt-get -q update </dev/null
$privilege env DEBIAN_FRONTEND=noninteractive apt-get -q -y --no-install-recommends install $missing </dev/null
