#!/bin/sh
# Installs what "make demo", "make test" and "make bench" need on Debian 12: the packages below, and Go where there is none. With the
# argument "vm" also what guests need: QEMU, and a kernel that is kept in the user's cache and not installed (hil/kernel/debian.sh). With
# "hil" what building the other kernel needs (hil/kernel/own.sh).
# It says what it does, does nothing when all is there, and may be run again at any time.
#
# Debian starts the services of Open vSwitch and OVN when their packages are installed. The deployments of the tests run
# programs of their own in network namespaces and need no service, so the services of packages that this script installs are
# neither started nor enabled. Those of packages that were there before are left as they are: they do not collide.
set -eu
exec >&2   # standard output is the demo's

say() { echo "install: $*"; }
die() { echo "install: $*" >&2; exit 1; }
as_root() { [ "$(id -u)" = 0 ] || die "must be root to install $*"; }
absent() { for p in "$@"; do dpkg-query -Wf '${db:Status-Status}' "$p" 2>/dev/null | grep -qx installed || printf ' %s' "$p"; done; }

# OVS and OVN, ip(8) and tc(8), and the C compiler that Go's race detector needs; for guests QEMU and depmod(8).
packages="openvswitch-switch openvswitch-vtep ovn-central ovn-controller-vtep ovn-host iproute2 gcc libc6-dev git ca-certificates"
case ${1-} in
vm) packages="$packages qemu-system-x86 kmod" ;;
hil) packages="$packages make flex bison bc libelf-dev xz-utils zstd" ;;
esac
services="openvswitch-switch openvswitch-vtep ovs-vswitchd ovsdb-server ovn-central ovn-northd ovn-ovsdb-server-nb ovn-ovsdb-server-sb ovn-host ovn-controller ovn-controller-vtep"
lab=$(dirname "$0")/../../shared/lab/two-chassis.sh
[ -e "$lab" ] && packages="$packages udhcpc ethtool iputils-ping procps python3"   # what that script runs besides

install_packages() {
    # shellcheck disable=SC2086 # a list
    missing=$(absent $packages)
    [ -n "$missing" ] || { say "Debian packages: all there"; return; }
    as_root "the Debian packages$missing"
    say "installing the Debian packages$missing"
    policy=/usr/sbin/policy-rc.d
    guarded=
    if [ ! -e $policy ]; then   # invoke-rc.d(8): 101 forbids a start
        printf '#!/bin/sh\nexit 101\n' >$policy && chmod 755 $policy && guarded=yes
        trap 'rm -f $policy' EXIT INT TERM
    fi
    apt-get update -q
    # shellcheck disable=SC2086
    DEBIAN_FRONTEND=noninteractive apt-get install -yq --no-install-recommends $missing
    [ -z "$guarded" ] || rm -f $policy
    case $missing in *openvswitch* | *ovn*)
        if command -v systemctl >/dev/null; then
            for s in $services; do systemctl disable --quiet "$s" 2>/dev/null || true; done
            say "left the services of OVS and OVN stopped and disabled (systemctl enable --now openvswitch-switch ovn-host to use them)"
        fi ;;
    esac
}

# The oldest go command that fetches the version go.mod asks for by itself is 1.21.
go_minor() { go env GOVERSION 2>/dev/null | sed -n 's/^go1\.\([0-9]*\).*/\1/p'; }

install_go() {
    minor=$(go_minor)
    if [ "${minor:-0}" -lt 21 ]; then
        as_root "Go"
        say "installing Go from bookworm-backports (found ${minor:+go1.$minor, too old}${minor:-none})"
        echo 'deb http://deb.debian.org/debian bookworm-backports main' >/etc/apt/sources.list.d/sluice-backports.list
        apt-get update -q
        DEBIAN_FRONTEND=noninteractive apt-get install -yq --no-install-recommends -t bookworm-backports golang-go
    fi
    wanted=$(sed -n 's/^go //p' go.mod)
    version=$(go env GOVERSION) || die "the go command cannot provide go$wanted, which go.mod asks for: with GOTOOLCHAIN=auto it downloads it"
    say "Go: $version"
}

cd "$(dirname "$0")/.."
[ -e /etc/debian_version ] || die "knows only Debian; install $packages and Go by hand, then use 'make build' and 'go run ./test/demo'"
install_packages
install_go
[ "${1-}" != vm ] || test/hil/kernel/debian.sh
