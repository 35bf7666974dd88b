#!/bin/sh
# Builds the small kernel for "make hil" from Debian's package of the kernel's source and small.config, into the user's cache. Does nothing
# when a kernel of that source and configuration is there; else it takes some 25 minutes of CPU time, at the lowest priority, and 3 GB of
# disk meanwhile. JOBS is how many compilers run at once (default: one for each processor). test/install.sh hil installs what it needs.
set -eu

say() { echo "kernel: $*"; }
die() { echo "kernel: $*" >&2; exit 1; }
PATH=$PATH:/usr/sbin:/sbin

here=$(cd "$(dirname "$0")" && pwd)
package=linux-source-6.12
version=$(apt-cache policy $package | sed -n 's/^ *Candidate: //p')
[ -n "$version" ] || die "apt does not know $package; run apt-get update"
cache=${XDG_CACHE_HOME:-$HOME/.cache}/sluice/kernel
# This script is part of how the kernel is made.
kernel=own-$( (echo "$version"; cat "$here/small.config" "$here/own.sh") | sha256sum | cut -c 1-16)

build() {
    (cd "$work" && apt-get download -qq -o APT::Sandbox::User="$(id -un)" $package) || die "cannot download $package $version; apt-get update may help"
    dpkg-deb --fsys-tarfile "$work"/*.deb | tar -xO ./usr/src/$package.tar.xz | tar -xJ -C "$work"
    rm -f "$work"/*.deb
    kbuild="nice -n 19 make -s -C $work/$package O=$work/out"
    mkdir "$work/out" "$work/kernel"
    $kbuild KCONFIG_ALLCONFIG="$here/small.config" allnoconfig
    # The configuration tool drops without a word what other options do not allow.
    refused=$(grep '^CONFIG' "$here/small.config" | grep -vxFf "$work/out/.config") && die "options that $version does not take: $refused"
    $kbuild -j "${JOBS:-$(nproc)}" bzImage modules
    $kbuild INSTALL_MOD_PATH="$work/root" modules_install
    mv "$work/out/arch/x86/boot/bzImage" "$work/kernel/vmlinuz"
    mv "$work/root/lib/modules/"* "$work/kernel/modules"
    rm -f "$work/kernel/modules/build" "$work/kernel/modules/source"
    mv -T "$work/kernel" "$cache/$kernel"   # at once: what bears the name is whole
}

if [ ! -e "$cache/$kernel" ]; then
    mkdir -p "$cache"
    work=$(mktemp -d "$cache/.own.XXXXXX")
    trap 'rm -rf "$work"' EXIT
    say "building $package $version with $here/small.config; the output is in $work/log"
    set +e   # not "build || ...": the shell would go on after a command of build that fails
    (set -e; build) >"$work/log" 2>&1
    status=$?
    set -e
    [ $status = 0 ] || { tail -n 40 "$work/log" >&2; die "the build failed"; }
    for old in "$cache"/own-*; do [ "$old" = "$cache/$kernel" ] || rm -rf "$old"; done
fi
ln -sfn "$kernel" "$cache/own"
say "own kernel: $package $version, $kernel"
