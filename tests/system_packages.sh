#!/bin/sh
# System libraries that Qt and a virtual screen need, the tool that signs releases, and a browser. Installs them as root on Debian or Ubuntu; otherwise says how.
PACKAGES="libgl1 libegl1 libxkbcommon0 libglib2.0-0 libfontconfig1 libdbus-1-3 xvfb xauth libxkbcommon-x11-0 \
libxcb-cursor0 libxcb-icccm4 libxcb-image0 libxcb-keysyms1 libxcb-randr0 libxcb-render-util0 libxcb-shape0 \
libxcb-xkb1 libx11-xcb1 minisign"
command -v dpkg-query >/dev/null 2>&1 || exit 0
missing=""
for package in $PACKAGES; do
    # libglib2.0-0 became libglib2.0-0t64 in Debian 13 and Ubuntu 24.04.
    dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q "install ok installed" && continue
    dpkg-query -W -f '${Status}' "${package}t64" 2>/dev/null | grep -q "install ok installed" && continue
    missing="$missing $package"
done
# Ubuntu has no package of this name that works without snap: by itself, so that the others do not fail with it.
if ! command -v chromium >/dev/null 2>&1 && [ "$(id -u)" = 0 ]; then
    echo "installing chromium"
    apt-get update -qq >/dev/null 2>&1
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium >/dev/null 2>&1 \
        || echo "There is no chromium to be installed: the tests of the report and of the site's search will be skipped."
fi
[ -z "$missing" ] && exit 0
if [ "$(id -u)" = 0 ]; then
    echo "installing system packages:$missing"
    apt-get update -qq >/dev/null 2>&1
    # shellcheck disable=SC2086
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing >/dev/null 2>&1 && exit 0
fi
echo "The window's tests need system libraries and will be skipped. To install them:"
echo "    sudo apt-get install -y$missing"
exit 0
