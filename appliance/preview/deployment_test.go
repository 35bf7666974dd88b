package preview

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sluice-gw/sluice/controlplane/ir"
	"github.com/sluice-gw/sluice/internal/ovsdb/ovsdbtest"
	"github.com/sluice-gw/sluice/internal/testkit/capability"
	"github.com/sluice-gw/sluice/offload"
)

// patience bounds every wait; a test that passes waits for nothing that long.
const patience = 2 * time.Minute

// deployment is databases that run, with an ovn-northd, and a chassis that has been there.
type deployment struct {
	*testing.T
	nb, sb, local *ovsdbtest.Server
	running       *world
}

var hv1 = identity{hostname: "host-a"}

// network is two switches with a router between them. One port is on another chassis.
const network = `
	ls-add sw0
	ls-add sw1
	lr-add lr0
	lsp-add sw0 vm1
	lsp-set-addresses vm1 '50:54:00:00:00:01 10.0.0.3'
	lsp-add sw0 vm2
	lsp-set-addresses vm2 '50:54:00:00:00:02 10.0.0.4'
	lsp-add sw1 vm3
	lsp-set-addresses vm3 '50:54:00:00:00:03 10.0.1.3'
	lsp-add sw1 vm4
	lsp-set-addresses vm4 '50:54:00:00:00:04 10.0.1.4'
	lrp-add lr0 lr0-sw0 00:00:00:00:ff:01 10.0.0.1/24
	lsp-add sw0 sw0-lr0
	lsp-set-type sw0-lr0 router
	lsp-set-addresses sw0-lr0 router
	lsp-set-options sw0-lr0 router-port=lr0-sw0
	lrp-add lr0 lr0-sw1 00:00:00:00:ff:02 10.0.1.1/24
	lsp-add sw1 sw1-lr0
	lsp-set-type sw1-lr0 router
	lsp-set-addresses sw1-lr0 router
	lsp-set-options sw1-lr0 router-port=lr0-sw1`

func deploy(t *testing.T) *deployment {
	t.Helper()
	for program := range packageOf {
		if _, err := find(program); err != nil {
			capability.Skip(t, capability.Missing{Capability: "ovs", Reason: err.Error()})
		}
	}
	d := &deployment{T: t, nb: ovsdbtest.Start(t, "/usr/share/ovn/ovn-nb.ovsschema", nbDatabase),
		sb: ovsdbtest.Start(t, "/usr/share/ovn/ovn-sb.ovsschema", sbDatabase), local: ovsdbtest.Start(t, "/usr/share/openvswitch/vswitch.ovsschema", vswDatabase)}
	ids := ""
	for k, v := range map[string]string{"system-id": "hv1", "ovn-remote": d.sb.Remote, "ovn-encap-type": "geneve", "ovn-encap-ip": "192.0.2.1",
		"ovn-bridge-datapath-type": "system", "sluice-offload": "software"} {
		ids += fmt.Sprintf(",[%q,%q]", k, v)
	}
	d.local.Transact(`[{"op":"insert","table":"Open_vSwitch","row":{"external_ids":["map",[` + ids[1:] + `]],"iface_types":["set",["geneve","vxlan","internal","patch"]]}}]`)
	of := func(s *ovsdbtest.Server) *server {
		return &server{database: s.Database, socket: strings.TrimPrefix(s.Remote, "unix:")}
	}
	c := &copies{dir: d.nb.Dir()}
	t.Cleanup(func() { c.close() })
	d.running = &world{vsw: of(d.local), sb: of(d.sb)}
	if err := d.running.startNorthd(c, of(d.nb)); err != nil {
		t.Fatal(err)
	}
	d.commit(network)
	d.sb.Transact(`[{"op":"insert","table":"Encap","uuid-name":"e","row":{"type":"geneve","ip":"192.0.2.2","chassis_name":"hv2","options":["map",[["csum","true"]]]}},
		{"op":"insert","table":"Chassis","uuid-name":"c","row":{"name":"hv2","encaps":["named-uuid","e"]}},
		{"op":"update","table":"Port_Binding","where":[["logical_port","==","vm4"]],"row":{"chassis":["named-uuid","c"]}}]`)
	d.settle() // makes the bridge
	for _, vm := range []string{"vm1", "vm2", "vm3"} {
		d.local.Transact(fmt.Sprintf(`[{"op":"insert","table":"Interface","uuid-name":"i","row":{"name":"if-%[1]s","external_ids":["map",[["iface-id","%[1]s"]]]}},
			{"op":"insert","table":"Port","uuid-name":"p","row":{"name":"if-%[1]s","interfaces":["named-uuid","i"]}},
			{"op":"mutate","table":"Bridge","where":[["name","==","br-int"]],"mutations":[["ports","insert",["named-uuid","p"]]]}]`, vm))
	}
	d.settle()
	return d
}

func (d *deployment) ctx() context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	d.Cleanup(cancel)
	return ctx
}

// commit runs commands of ovn-nbctl on the deployment.
func (d *deployment) commit(commands string) {
	d.Helper()
	c, err := ParseCommands("test", commands)
	if err == nil {
		_, err = c.make(d.ctx(), nil, d.running)
	}
	if err != nil {
		d.Fatal(err)
	}
}

// settle runs the chassis until it has done all that there is to do, and ovn-northd too.
func (d *deployment) settle() {
	d.Helper()
	c, err := newChassis(d.ctx(), d.running, hv1)
	if err != nil {
		d.Fatal(err)
	}
	if err := c.rest(d.ctx(), d.running); err != nil {
		d.Error(err)
	}
	c.close()
	for range 2 { // what northd answers to the chassis, and what it notes of the first round
		d.commit("sync")
	}
}

// endNorthd ends the ovn-northd of the deployment.
func (d *deployment) endNorthd() { d.running.northd.end() }

// files are the databases as they are on the disk.
func (d *deployment) files() (all string) {
	d.Helper()
	for _, s := range []*ovsdbtest.Server{d.nb, d.sb, d.local} {
		text, err := os.ReadFile(filepath.Join(s.Dir(), "db"))
		if err != nil {
			d.Fatal(err)
		}
		all += string(text)
	}
	return all
}

// try plans a change, and holds the plan to what holds for each. Nothing of the deployment may be another one after it.
func (d *deployment) try(change Change, options ...func(*Options)) (*Plan, error) {
	d.Helper()
	before := d.files()
	left, err := filepath.Glob(filepath.Join(os.TempDir(), "sluice-plan*"))
	if err != nil {
		d.Fatal(err)
	}
	o := Options{Local: d.local.Remote, NB: d.nb.Remote, Change: change, Caps: caps(), Hostname: hv1.hostname, Progress: func(text string) { d.Log(text) }}
	for _, set := range options {
		set(&o)
	}
	p, err := Run(d.ctx(), o)
	if d.files() != before {
		d.Error("the plan has changed a database of the deployment")
	}
	if now, _ := filepath.Glob(filepath.Join(os.TempDir(), "sluice-plan*")); len(now) > len(left) {
		d.Errorf("the plan has left %v", now)
	}
	if err != nil {
		return nil, err
	}
	for _, m := range p.Leaving {
		if m.Before.Reason != nil || m.After.Reason == nil {
			d.Errorf("it does not leave the hardware: %+v", m)
		}
	}
	for _, m := range p.Joining {
		if m.Before.Reason == nil || m.After.Reason != nil {
			d.Errorf("it does not come to the hardware: %+v", m)
		}
	}
	text, err := json.Marshal(p)
	if err != nil {
		d.Fatal(err)
	}
	var again Plan
	if err := json.Unmarshal(text, &again); err != nil || again.Text() != p.Text() {
		d.Errorf("not the same from JSON: %v\n%s", err, again.Text())
	}
	return p, nil
}

// plan is try for a change that can be made.
func (d *deployment) plan(change Change, options ...func(*Options)) *Plan {
	d.Helper()
	p, err := d.try(change, options...)
	if err != nil {
		d.Fatal(err)
	}
	return p
}

// nbctl is commands as a change.
func (d *deployment) nbctl(commands string) Change {
	d.Helper()
	c, err := ParseCommands("test", commands)
	if err != nil {
		d.Fatal(err)
	}
	return c
}

// caps are those of a target much like TC flower.
func caps() offload.Caps {
	match, set := offload.Fields{}, offload.Fields{}
	for _, f := range []ir.Field{ir.EthSrc, ir.EthDst, ir.EthType, ir.VLANTCI, ir.IPProto, ir.IPDSCP, ir.IPTTL, ir.IPFrag, ir.IP4Src, ir.IP4Dst, ir.IP6Src, ir.IP6Dst,
		ir.TCPSrc, ir.TCPDst, ir.TCPFlags, ir.UDPSrc, ir.UDPDst, ir.SCTPSrc, ir.SCTPDst, ir.ICMP4Type, ir.ICMP4Code, ir.ICMP6Type, ir.ICMP6Code,
		ir.TunID, ir.TunOpt, ir.CTState, ir.CTMark, ir.CTLabel, ir.PktMark} {
		match[f] = offload.AllOf(f, offload.Ternary)
	}
	for _, f := range []ir.Field{ir.EthSrc, ir.EthDst, ir.VLANTCI, ir.IPDSCP, ir.IPTTL, ir.IP4Src, ir.IP4Dst, ir.TCPSrc, ir.TCPDst, ir.UDPSrc, ir.UDPDst, ir.TunID, ir.TunOpt, ir.PktMark} {
		set[f] = offload.AllOf(f, offload.Ternary)
	}
	few := offload.Amount{Max: 2}
	return offload.Caps{Target: "test", Match: match, Set: set, DecTTL: few, PopVLAN: few, Push: few, Outputs: offload.Amount{Max: 16},
		Tunnels: map[string]offload.Ability{"geneve": offload.Yes}, Jump: offload.Yes, Tags: offload.Yes,
		Conntrack: offload.Conntrack{Shared: offload.Yes, Commit: offload.Yes, NAT: offload.Yes, Mark: offload.Yes, Label: offload.Yes, Clear: offload.Yes}}
}
