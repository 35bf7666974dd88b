package controller

import (
	"maps"
	"slices"
	"testing"

	"github.com/sluice-gw/sluice/controlplane/ir"
	"github.com/sluice-gw/sluice/internal/testkit/central"
)

// TestAdvertisementLeaves: what each chassis sends for itself (flags.local_only) stays
// off the physical network, but for the gateway's periodic router advertisement, which
// carries the flag that overrides this (OVN 25.03 and later; package punt sets them).
func TestAdvertisementLeaves(t *testing.T) {
	t.Parallel()
	d := central.Start(t)
	local := localDB(t, localIDs)
	physBridges(local)
	c := startChassis(t, d.SB, local)
	d.Configure(`
	lr-add lr
	set logical_router lr options:chassis=hv1
	lrp-add lr lr-pub 0a:00:00:00:ff:01 fd00::1/64
	ls-add pub
	lsp-add pub pub-lr
	lsp-set-type pub-lr router
	lsp-set-addresses pub-lr router
	lsp-set-options pub-lr router-port=lr-pub
	lsp-add pub ln
	lsp-set-type ln localnet
	lsp-set-addresses ln unknown
	lsp-set-options ln network_name=phys
	lsp-add pub vm1
	lsp-set-addresses vm1 '0a:00:00:00:00:01 fd00::2'`)
	c.quiet(d)
	c.plug("vm1", nil)
	c.quiet(d)
	pb := c.w.SB.PortBindingByLogicalPort.One("pub-lr")
	ports := map[uint32]string{}
	for row := range c.w.VSW.Interface.All() {
		ports[uint32(row.OFPort.V)] = row.Name
	}
	pipeline := ir.NewPipeline(slices.Collect(maps.Values(c.rules))...)
	for _, tt := range []struct {
		name  string
		flags uint64
		want  []string
	}{
		{"another chassis's", 1 << ir.FlagLocalOnly, []string{"if-vm1"}},
		{"the gateway's", 1<<ir.FlagLocalOnly | 1<<ir.FlagOverrideLocalOnly, []string{"if-vm1", "patch-br-int-to-ln"}},
	} {
		p, err := ir.NewPacket(ir.Exact(ir.Datapath, uint64(c.w.SB.DatapathBinding.Get(pb.Datapath).TunnelKey)),
			ir.Exact(ir.Inport, uint64(pb.TunnelKey)), ir.Exact(ir.Flags, tt.flags), ir.Exact(ir.EthSrc, 0x0a000000ff01),
			ir.Exact(ir.EthDst, 0x333300000001), ir.Exact(ir.EthType, 0x86dd), ir.Exact(ir.IPProto, 58), ir.Exact(ir.IPTTL, 255),
			ir.Exact(ir.ICMP6Type, 134))
		if err != nil {
			t.Fatal(err)
		}
		r, err := pipeline.Evaluate(p, ir.Ingress(0), ir.Options{})
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, o := range r.Outputs {
			got = append(got, ports[o.Port])
		}
		if slices.Sort(got); !slices.Equal(got, tt.want) {
			t.Errorf("%s advertisement leaves by %v, want %v", tt.name, got, tt.want)
		}
	}
}
