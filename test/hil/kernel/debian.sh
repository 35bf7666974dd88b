#!/bin/sh
# Unpacks Debian's kernel (what linux-image-amd64 depends on) into the user's cache, for guests to boot. Does nothing when that version is
# there. The package is not installed: that would put a kernel into this machine's /boot and run the hooks of its boot loader. Needs no
# root, apt's package lists, and depmod(8), which Debian runs when a kernel is installed.
set -eu

say() { echo "kernel: $*"; }
die() { echo "kernel: $*" >&2; exit 1; }
PATH=$PATH:/usr/sbin:/sbin

newest() { apt-cache depends --important linux-image-amd64 2>/dev/null | sed -n 's/^ *Depends: \(linux-image-[0-9].*\)/\1/p' | head -n 1; }

package=$(newest)
if [ -z "$package" ] && [ "$(id -u)" = 0 ]; then
    apt-get update -q
    package=$(newest)
fi
[ -n "$package" ] || die "apt does not know linux-image-amd64; run apt-get update"
version=$(apt-cache policy "$package" | sed -n 's/^ *Candidate: //p')
cache=${XDG_CACHE_HOME:-$HOME/.cache}/sluice/kernel
kernel=debian-$version
if [ ! -e "$cache/$kernel" ]; then
    say "unpacking $package $version into $cache"
    mkdir -p "$cache"
    work=$(mktemp -d "$cache/.debian.XXXXXX")
    trap 'rm -rf "$work"' EXIT
    (cd "$work" && apt-get download -qq -o APT::Sandbox::User="$(id -un)" "$package") || die "cannot download $package $version; apt-get update may help"
    dpkg-deb -x "$work"/*.deb "$work/root"
    release=$(ls "$work/root/lib/modules")
    depmod -b "$work/root" "$release"
    mkdir "$work/kernel"
    mv "$work/root/boot/vmlinuz-$release" "$work/kernel/vmlinuz"
    mv "$work/root/lib/modules/$release" "$work/kernel/modules"
    mv -T "$work/kernel" "$cache/$kernel"   # at once: what bears the name is whole
    # Versions that this one replaces; a guest that runs has read its kernel already.
    for old in "$cache"/debian-*; do [ "$old" = "$cache/$kernel" ] || rm -rf "$old"; done
fi
ln -sfn "$kernel" "$cache/debian"
say "Debian's kernel: $version"
