package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/sluice-gw/sluice/offload/tc/flower"
	"github.com/sluice-gw/sluice/test/lab"
)

// ended is where unicast IP packets of the integration bridge and of the physical network's ended: in a filter of TC, whoever made it, or in a flow of the datapath of Open vSwitch. tracked are those
// of them that had been through connection tracking there. A packet that is handed over counts where it ends.
type ended struct {
	inTC, inSwitch           uint64
	trackedTC, trackedSwitch uint64
}

func (e ended) all() uint64 { return e.inTC + e.inSwitch }

func (e ended) plus(o ended) ended {
	return ended{e.inTC + o.inTC, e.inSwitch + o.inSwitch, e.trackedTC + o.trackedTC, e.trackedSwitch + o.trackedSwitch}
}

// share is how many percent ended in TC; false if there were none.
func (e ended) share() (float64, bool) { return percent(e.inTC, e.inSwitch) }

// trackedShare is share of those that went through connection tracking.
func (e ended) trackedShare() (float64, bool) { return percent(e.trackedTC, e.trackedSwitch) }

func percent(in, out uint64) (float64, bool) {
	if in+out == 0 {
		return 0, false
	}
	return 100 * float64(in) / float64(in+out), true
}

// A meter is where packets end: a filter, or a flow of the datapath, with what it has counted.
type meter struct {
	packets     uint64
	tc, tracked bool
	actions     string // of a flow
}

// A tally has the meters of all chassis, by names that stay as long as they do.
type tally map[string]meter

// since is what has ended since an earlier tally, and the flows of Open vSwitch where that was, with their packets, the most first. What was replaced
// meanwhile has begun to count anew.
func (t tally) since(before tally) (e ended, stayed []string) {
	packets := map[string]uint64{}
	for name, m := range t {
		n := m.packets
		if was := before[name].packets; was <= n {
			n -= was
		}
		switch {
		case n == 0:
			continue
		case m.tc:
			e.inTC += n
		default:
			e.inSwitch += n
			packets[name] = n
		}
		if m.tracked && m.tc {
			e.trackedTC += n
		} else if m.tracked {
			e.trackedSwitch += n
		}
	}
	for _, name := range slices.SortedFunc(maps.Keys(packets), func(a, b string) int {
		return cmp.Or(cmp.Compare(packets[b], packets[a]), strings.Compare(a, b))
	}) {
		stayed = append(stayed, fmt.Sprintf("%d: %s %s", packets[name], name, t[name].actions))
	}
	return e, stayed
}

// countEverywhere counts on all chassis of the deployments that run.
func countEverywhere(ctx context.Context) (tally, error) {
	pidFiles, err := filepath.Glob(lab.StateRoot + "/*/*/ovs-vswitchd.pid")
	if err != nil {
		return nil, err
	}
	t := tally{}
	for _, file := range pidFiles {
		dir := filepath.Dir(file)
		ns := &lab.Netns{Name: filepath.Base(filepath.Dir(dir)) + "-" + filepath.Base(dir)}
		other, err := otherPorts(ctx, dir)
		if err != nil {
			return nil, err
		}
		if err := errors.Join(t.filters(ctx, ns, other), t.flows(ctx, file, other)); err != nil {
			return nil, fmt.Errorf("%s: %w", ns.Name, err)
		}
	}
	return t, nil
}

// otherPorts are those of bridges that stand for VMs with containers: they have nothing to do with OVN, but are of the same datapath.
func otherPorts(ctx context.Context, dir string) (ports []string, err error) {
	list := func(args ...string) ([]string, error) {
		cmd := exec.CommandContext(ctx, "ovs-vsctl", append([]string{"--timeout=60", "--db=unix:" + filepath.Join(dir, "db.sock")}, args...)...)
		var words strings.Builder
		cmd.Stderr = &words // a slow guest has it warn of that
		out, err := cmd.Output()
		if err != nil {
			return nil, fmt.Errorf("ovs-vsctl %s: %w: %.300s", strings.Join(args, " "), err, words.String())
		}
		return strings.Fields(string(out)), nil
	}
	bridges, err := list("list-br")
	if err != nil {
		return nil, err
	}
	for _, b := range bridges {
		if b == "br-int" || b == "br-ex" {
			continue
		}
		its, err := list("list-ports", b)
		if err != nil {
			return nil, err
		}
		ports = append(ports, its...)
	}
	return ports, nil
}

// filters adds the filters of the devices of a namespace, but for some.
func (t tally) filters(ctx context.Context, ns *lab.Netns, but []string) error {
	return ns.Do(func() error {
		fd, err := unix.Open(fmt.Sprintf("/proc/self/task/%d/ns/net", unix.Gettid()), unix.O_RDONLY|unix.O_CLOEXEC, 0)
		if err != nil {
			return err
		}
		defer unix.Close(fd) //nolint:errcheck // only read
		conn, err := flower.Dial(flower.Config{NetNS: fd})
		if err != nil {
			return err
		}
		defer conn.Close() //nolint:errcheck // nothing is under way
		links, err := net.Interfaces()
		if err != nil {
			return err
		}
		for _, link := range links {
			if slices.Contains(but, link.Name) {
				continue
			}
			all, err := conn.Dump(ctx, flower.Scope{Hook: flower.Ingress(int32(link.Index))})
			if err != nil {
				return fmt.Errorf("%s: %w", link.Name, err)
			}
			t.add(ns.Name, all)
		}
		return nil
	})
}

// add adds the filters of one device. Packets end at a filter that sends or drops them; those that pass or go on to a chain do not.
func (t tally) add(ns string, filters []flower.Installed) {
	tracked := trackedChains(filters)
	for i := range filters {
		f := &filters[i]
		if len(f.Actions) == 0 || len(f.Status.Actions) < len(f.Actions) || !isIP(f.Match.EthType, f.Match.EthDst) {
			continue
		}
		last := len(f.Actions) - 1
		if c := f.Actions[last].Control; c != flower.Stolen && c != flower.Drop {
			continue
		}
		t[fmt.Sprintf("%s %+v", ns, f.Key)] = meter{packets: f.Status.Actions[last].Stats.Packets, tc: true, tracked: tracked[f.Chain]}
	}
}

// trackedChains are those whose packets come from connection tracking.
func trackedChains(filters []flower.Installed) map[uint32]bool {
	tracked := map[uint32]bool{}
	for changed := true; changed; {
		changed = false
		for i := range filters {
			is := tracked[filters[i].Chain]
			for _, a := range filters[i].Actions {
				if ct, ok := a.Op.(flower.CT); ok {
					is = !ct.Clear
				}
				if to, ok := a.Control.Chain(); ok && is && !tracked[to] {
					tracked[to], changed = true, true
				}
			}
		}
	}
	return tracked
}

// isIP tells packets that count: to one host, of IPv4 or IPv6. Where a filter is for all types these are most of its packets.
func isIP(typ flower.EtherType, dst flower.Masked[flower.MAC]) bool {
	return (typ == flower.EtherIPv4 || typ == flower.EtherIPv6 || typ == 0) && dst.Value[0]&dst.Mask[0]&1 == 0
}

var (
	flowPackets  = regexp.MustCompile(`, packets:(\d+).*`)
	flowToGroups = regexp.MustCompile(`eth\([^)]*dst=[0-9a-f][13579bdf]:`)
)

// flows adds the flows of a switch's datapath that are not in TC, but for what came in by some devices. Packets that recirculate end elsewhere, and what goes to the
// controller is no traffic that could be offloaded.
func (t tally) flows(ctx context.Context, pidFile string, but []string) error {
	pid, err := os.ReadFile(pidFile)
	if err != nil {
		return err
	}
	socket := fmt.Sprintf("%s.%s.ctl", strings.TrimSuffix(pidFile, ".pid"), strings.TrimSpace(string(pid)))
	out, err := exec.CommandContext(ctx, "ovs-appctl", "--timeout=60", "-t", socket, "dpctl/dump-flows", "--names", "type=ovs").CombinedOutput()
	if err != nil {
		return fmt.Errorf("dump the flows of %s: %w: %.300s", socket, err, out)
	}
	for line := range strings.Lines(string(out)) {
		key, actions, ok := strings.Cut(line, ", actions:")
		counted := flowPackets.FindStringSubmatch(key)
		if !ok || counted == nil || strings.Contains(actions, "recirc(") || strings.Contains(actions, "userspace(") || flowToGroups.MatchString(key) ||
			slices.ContainsFunc(but, func(port string) bool { return strings.Contains(key, "in_port("+port+")") }) ||
			!strings.Contains(key, "eth_type(0x0800)") && !strings.Contains(key, "eth_type(0x86dd)") {
			continue
		}
		n, err := strconv.ParseUint(counted[1], 10, 64)
		if err != nil {
			return err
		}
		ns, tracked := filepath.Base(filepath.Dir(pidFile)), !strings.Contains(key, "recirc_id(0)")
		t[ns+" "+flowPackets.ReplaceAllString(key, "")] = meter{packets: n, tracked: tracked, actions: strings.TrimSpace(actions)}
	}
	return nil
}
