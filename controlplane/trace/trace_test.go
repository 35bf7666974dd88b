package trace

import (
	"encoding/json"
	"errors"
	"net/netip"
	"strings"
	"testing"

	"github.com/sluice-gw/sluice/controlplane/action"
	"github.com/sluice-gw/sluice/controlplane/expr"
	"github.com/sluice-gw/sluice/controlplane/ir"
	"github.com/sluice-gw/sluice/controlplane/sb"
	"github.com/sluice-gw/sluice/internal/ovsdb"
)

// tiny makes a network by hand: a switch sw of ports a and b on which a packet goes
// through flows, given as "priority | match | actions" of ingress table 0.
func tiny(t *testing.T, flows ...string) *Network {
	t.Helper()
	symbols := expr.NewSymtab()
	parser, err := action.NewParser(symbols, action.OptionTable{}, action.OptionTable{})
	if err != nil {
		t.Fatal(err)
	}
	d := newDatapath(&sb.DatapathBinding{
		UUID: ovsdb.UUID{1}, TunnelKey: 1,
		ExternalIDs: map[string]string{"logical-switch": "12345678-0000-0000-0000-000000000001", "name": "sw"},
	})
	n := &Network{
		symbols: symbols, aclSymbols: expr.NewACLConntrackSymtab(), actions: parser,
		datapaths: []*datapath{d}, byUUID: map[ovsdb.UUID]*datapath{d.uuid: d}, ports: map[string]*port{},
	}
	for i, name := range []string{"a", "b"} {
		p := &port{dp: d, key: uint32(i + 1), row: &sb.PortBinding{LogicalPort: name, UUID: ovsdb.UUID{byte(0xa0 + i)}}}
		n.ports[name], d.ports[p.key] = p, p
	}
	n.ports["b"].alias = "web"
	for i, text := range flows {
		var r sb.LogicalFlow
		parts := strings.SplitN(text, " | ", 3)
		r.UUID, r.Pipeline, r.Match, r.Actions = ovsdb.UUID{byte(i + 1)}, "ingress", parts[1], parts[2]
		r.Priority = int64(len(flows))
		if parts[0] != "" {
			r.Priority = int64(parts[0][0])
		}
		f := &flow{row: &r, at: action.Position{Ingress: true}}
		k := tableKey{true, 0}
		if strings.HasPrefix(parts[0], "out") {
			k, f.at, r.Pipeline = tableKey{}, action.Position{}, "egress"
		}
		d.tables[k] = append(d.tables[k], f)
	}
	return n
}

func mustTrace(t *testing.T, n *Network, microflow string, o Options) *Result {
	t.Helper()
	r, err := n.Trace("", microflow, o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestForms(t *testing.T) {
	n := tiny(t, ` | inport == "a" | outport = "b"; ip4.dst = 1.2.3.4; output;`, `out | 1 | output;`)
	r := mustTrace(t, n, `inport == "a" && ip4 && ip.ttl == 3`, Options{})
	const detailed = `
ingress(dp="sw", inport="a")
----------------------------
 0. inport == "a", priority 2, uuid 01000000
    outport = "web";
    ip4.dst = 1.2.3.4;
    output;

egress(dp="sw", inport="a", outport="web")
------------------------------------------
 0. 1, priority 111, uuid 02000000
    output;
    /* output to "web", type "" */
`
	if got := r.Detailed(); got != detailed {
		t.Errorf("detailed:\n%s", got)
	}
	const summary = `ingress(dp="sw", inport="a") {
    outport = "web";
    ip4.dst = 1.2.3.4;
    output;
    egress(dp="sw", inport="a", outport="web") {
        output;
        /* output to "web", type "" */;
    };
};
`
	if got := r.Summary(); got != summary {
		t.Errorf("summary:\n%s", got)
	}
	if got := r.Minimal(); got != "ip4.dst = 1.2.3.4;\noutput(\"web\");\n" {
		t.Errorf("minimal:\n%s", got)
	}
	raw := mustTrace(t, n, `inport == "a" && ip4`, Options{UUIDNames: true}).Minimal()
	if raw != "ip4.dst = 1.2.3.4;\noutput(\"b\");\n" {
		t.Errorf("with database names: %s", raw)
	}
}

// What targets have of a logical flow stands above its actions, as ovn-trace --ovs has it.
func TestInstalled(t *testing.T) {
	n := tiny(t, `2 | inport == "a" | outport = "b"; output;`, `out | 1 | output;`)
	r := mustTrace(t, n, `inport == "a" && ip4`, Options{Installed: []Installed{{None: "no OpenFlow flows", Error: "flow stats", Lines: func(row ovsdb.UUID) ([]string, error) {
		if row == (ovsdb.UUID{1}) {
			return []string{"first", "second"}, nil
		}
		return nil, nil
	}}}})
	const want = ` 0. inport == "a", priority 50, uuid 01000000
    first
    second
    outport = "web";
`
	if got := r.Detailed(); !strings.Contains(got, want) || !strings.Contains(got, "uuid 02000000\n    *** no OpenFlow flows\n    output;") {
		t.Errorf("detailed:\n%s", got)
	}
	r = mustTrace(t, n, `inport == "a" && ip4`, Options{Installed: []Installed{{Error: "flow stats", Lines: func(ovsdb.UUID) ([]string, error) { return nil, errors.New("gone") }}}})
	if got := r.Detailed(); !strings.Contains(got, "*** error obtaining flow stats (gone)") {
		t.Errorf("detailed:\n%s", got)
	}
}

func TestJSON(t *testing.T) {
	r := mustTrace(t, tiny(t, ` | 1 | drop;`), `inport == "a" && eth.type == 0x1234`, Options{})
	b, err := r.JSON()
	if err != nil {
		t.Fatal(err)
	}
	var got struct {
		Microflow string
		Trace     struct {
			Kind, Text string
			Steps      []struct {
				Kind, Match, UUID string
				Table, Priority   *int
				Steps             []struct{ Kind, Text string }
			}
		}
	}
	if err := json.Unmarshal(b, &got); err != nil {
		t.Fatal(err)
	}
	table := got.Trace.Steps[0]
	if got.Trace.Kind != "pipeline" || table.Kind != "table" || *table.Table != 0 || *table.Priority != 1 || table.Match != "1" ||
		table.UUID != "01000000-0000-0000-0000-000000000000" || table.Steps[0].Text != "drop;" || !strings.Contains(got.Microflow, "dl_type=0x1234") {
		t.Errorf("JSON: %s", b)
	}
}

func TestMicroflowErrors(t *testing.T) {
	n := tiny(t)
	lr := newDatapath(&sb.DatapathBinding{UUID: ovsdb.UUID{2}, TunnelKey: 2, ExternalIDs: map[string]string{"logical-router": "2", "name": "lr"}})
	n.datapaths, n.byUUID[lr.uuid] = append(n.datapaths, lr), lr
	tests := []struct{ datapath, microflow, want string }{
		{"", `ip4 && ip6 && inport == "a"`, "contradictory"},
		{"", `inport == "a" && tcp.src == 80`, "ambiguous"},
		{"", `inport == "a" && ip4 && tcp.src > 1024`, "ambiguous"},
		{"", `ip4`, "does not match on inport"},
		{"", `inport == "a" || inport == "b"`, "several inports"},
		{"", `inport == "nobody"`, `unknown port "nobody"`},
		{"sw", `ip4`, "no ingress port"},
		{"sw", `inport == "nobody"`, `unknown port "nobody"`},
		{"lr", `inport == "a"`, `port "a" is not on datapath "lr" but on "sw"`},
		{"sw", `inport == "a" && ip4.src == $nope`, "microflow: address set $nope does not exist"},
		{"sw", `inport == @nope`, "microflow: port group @nope does not exist"},
		{"nowhere", `inport == "a"`, `unknown datapath "nowhere"`},
		{"", `inport == "a" &&`, "column"},
	}
	for _, tt := range tests {
		_, err := n.Trace(tt.datapath, tt.microflow, Options{})
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s %s: error %v, want %q", tt.datapath, tt.microflow, err, tt.want)
		}
	}
	if _, err := n.Trace("", `inport == "a" && tcp`, Options{}); !errors.Is(err, expr.ErrAmbiguous) {
		t.Errorf("error %v", err)
	}
	for _, name := range []string{"sw", "12345678", "0100"} {
		if _, err := n.Trace(name, `inport == "a"`, Options{}); err != nil {
			t.Errorf("datapath %q: %v", name, err)
		}
	}
}

func TestWarnings(t *testing.T) {
	tests := []struct {
		flows []string
		want  string
	}{
		{[]string{`5 | 1 | drop;`, `5 | ip4 | next;`}, "is not defined"},
		{[]string{` | ^var == 1 | drop;`}, "differ by chassis"},
		{[]string{` | bogus == 1 | drop;`}, "match"},
		{[]string{` | 1 | teleport;`}, "unknown action"},
	}
	for _, tt := range tests {
		r := mustTrace(t, tiny(t, tt.flows...), `inport == "a" && ip4`, Options{})
		if len(r.Warnings) != 1 || !strings.Contains(r.Warnings[0], tt.want) {
			t.Errorf("%q: warnings %q, want %q", tt.flows, r.Warnings, tt.want)
		}
	}
	if r := mustTrace(t, tiny(t, `5 | 1 | drop;`, `5 | ip4 | drop;`), `inport == "a" && ip4`, Options{}); len(r.Warnings) > 0 {
		t.Errorf("two equal flows: %q", r.Warnings)
	}
}

// Rules that send a packet round in circles end in an error, not in a full stack.
func TestCircles(t *testing.T) {
	for _, actions := range []string{`next(pipeline=ingress, table=0);`, `clone { next(pipeline=ingress, table=0); }; next(pipeline=ingress, table=0);`} {
		r := mustTrace(t, tiny(t, ` | 1 | `+actions), `inport == "a"`, Options{})
		if !strings.Contains(r.Minimal(), "goes in circles") {
			t.Errorf("%s: no remark", actions)
		}
	}
}

func TestActions(t *testing.T) {
	const ip = `inport == "a" && eth.src == 00:00:00:00:00:01 && eth.dst == 00:00:00:00:00:02 && ip4.src == 10.0.0.1 && ip4.dst == 10.0.0.2 && ip.ttl == 64 && udp.src == 7`
	tests := []struct {
		actions, microflow string
		o                  Options
		want               string // in the minimal form
	}{
		{`push(eth.src); pop(ip4.dst);`, ip, Options{}, "push(eth.src) -> 0x1;\npop(ip4.dst) <- 0x1;\n"},
		{`pop(eth.src);`, ip, Options{}, "pop(eth.src) <- /* empty stack */;\n"},
		{`eth.src <-> eth.dst;`, ip, Options{}, "eth.src = 00:00:00:00:00:02;\neth.dst = 00:00:00:00:00:01;\n"},
		{`ip.ttl--; ip.ttl--;`, strings.Replace(ip, "64", "1", 1), Options{}, "ip.ttl--;\n*** TTL underflow;\n"},
		{`outport = ""; output;`, ip, Options{}, "*** output to null logical port;\n"},
		{`reg0[5..6] = 3; xxreg0[37] = 1; ip4.src = reg0;`, ip, Options{}, "ip4.src = 0x60;\n"},
		{`ct_lb_mark(backends=10.0.0.8:80,10.0.0.9:80);`, ip, Options{LBDst: netip.MustParseAddrPort("10.0.0.9:80")},
			"ct_lb_mark /* default (use --ct to customize) */;\n"},
		{`ct_lb_mark(backends=[fd00::1]:80);`, ip, Options{CT: []uint64{0}}, "*** no load balancing destination (use --lb-dst);\nct_lb_mark;\n"},
		{`reg8[16..31] = select(1=1, 2=5);`, ip, Options{SelectID: 2}, "select: reg8[16..31] = 2;\n"},
		{`reject { outport <-> inport; eth.src = eth.dst; };`, ip, Options{}, "icmp4 {\n    eth.src = 00:00:00:00:00:01;\n};\n"},
		{`reject { ip.ttl = 9; };`, `inport == "a" && ip6 && tcp.src == 1 && eth.src == 00:00:00:00:00:01`, Options{}, "tcp_reset {\n    ip.ttl = 9;\n};\n"},
		{`arp { eth.dst = ff:ff:ff:ff:ff:ff; arp.spa = reg1; arp.op = 1; };`, ip, Options{}, "arp {\n    eth.dst = ff:ff:ff:ff:ff:ff;\n    arp.spa = 0x0;\n    arp.op = 1;\n};\n"},
		{`icmp4_error { icmp4.type = 3; icmp4.frag_mtu = 1400; };`, ip, Options{}, "icmp4 {\n    icmp4.type = 3;\n    icmp4.frag_mtu = 1400;\n};\n"},
		{`reg9[5] = dns_lookup();`, ip, Options{}, "*** dns_lookup action not implemented;\n"},
		{`ct_commit { ct_mark = 1; }; put_arp(inport, ip4.src, eth.src); set_queue(5); handle_svc_check(inport);`, ip, Options{}, ""},
	}
	for _, tt := range tests {
		r := mustTrace(t, tiny(t, ` | 1 | `+tt.actions), tt.microflow, tt.o)
		if got := r.Minimal(); got != tt.want || len(r.Warnings) > 0 {
			t.Errorf("%s:\n%swant\n%swarnings %q", tt.actions, got, tt.want, r.Warnings)
		}
	}
}

// Every action of the language has a model, or is known to have no effect here.
func TestEveryActionHasAModel(t *testing.T) {
	for _, name := range actionNames {
		tr := &tracer{Network: tiny(t), result: &Result{}}
		p, err := ir.NewPacket(ir.Exact(ir.Inport, 1), ir.Exact(ir.EthType, 0x800), ir.Exact(ir.IPProto, 17))
		if err != nil {
			t.Fatal(err)
		}
		node := &Node{}
		f := &frame{dp: tr.datapaths[0], p: p, at: action.Position{Ingress: true}}
		s := statement{name: name, text: name + ";", dst: expr.FieldRef{Symbol: tr.symbols.Lookup("reg0"), N: 32}}
		if strings.HasPrefix(name, "= ") {
			s.name = name[2:]
			tr.answer(s, f, node)
		} else {
			tr.call(s, f, node)
		}
		for _, sub := range node.Subs {
			if strings.Contains(sub.Text, "no model") {
				t.Errorf("%s: %s", name, sub.Text)
			}
		}
	}
}

// actionNames are the actions of ovn-sb(5) up to the newest release; "= " marks
// those that assign a result.
var actionNames = strings.Split(`output,next,clone,push,pop,ip.ttl,ct_next,ct_commit,ct_commit_to_zone,ct_commit_nat,ct_dnat,ct_snat,`+
	`ct_dnat_in_czone,ct_snat_in_czone,ct_snat_to_vip,ct_lb,ct_lb_mark,ct_lb_mark_local,ct_clear,arp,nd_ns,nd_na,nd_na_router,`+
	`icmp4,icmp4_error,icmp6,icmp6_error,tcp_reset,sctp_abort,reject,igmp,handle_dhcpv6_reply,handle_bfd_msg,handle_svc_check,`+
	`bind_vport,get_arp,get_nd,put_arp,put_nd,put_fdb,set_queue,set_meter,log,trigger_event,fwd_group,commit_ecmp_nh,commit_lb_aff,`+
	`sample,mac_cache_use,flood_remote,mirror,= select,= put_dhcp_opts,= put_dhcpv6_opts,= put_nd_ra_opts,= dns_lookup,`+
	`= check_pkt_larger,= lookup_arp,= lookup_nd,= lookup_arp_ip,= lookup_nd_ip,= chk_evpn_arp,= get_fdb,= get_remote_fdb,`+
	`= lookup_fdb,= dhcp_relay_req_chk,= dhcp_relay_resp_chk,= chk_lb_hairpin,= chk_lb_hairpin_reply,= check_in_port_sec,`+
	`= check_out_port_sec,= chk_ecmp_nh_mac,= chk_ecmp_nh,= chk_lb_aff,= ct_nw_dst,= ct_ip6_dst,= ct_tp_dst,= ct_proto,= ct_state_save`, ",")

func TestShorten(t *testing.T) {
	for name, want := range map[string]string{
		"lp": "lp", "neutron-a5fb86de-1111-2222-3333-0123456789ab": "neutron-a5fb86", "a5fb86de-1111-2222-3333-0123456789ab": "a5fb86",
		"a5fb86de-1111-2222-3333-0123456789ab-x": "a5fb86de-1111-2222-3333-0123456789ab-x",
	} {
		if got := shorten(name); got != want {
			t.Errorf("shorten(%s) = %s, want %s", name, got, want)
		}
	}
}
