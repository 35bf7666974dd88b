package slowpath

import (
	"cmp"
	"maps"
	"slices"

	"github.com/sluice-gw/sluice/controlplane/node/binding"
	"github.com/sluice-gw/sluice/controlplane/punt"
	"github.com/sluice-gw/sluice/controlplane/sb"
	"github.com/sluice-gw/sluice/internal/ovsdb"
)

// part is what the view has of one local datapath. A nil part has nothing.
type part struct {
	redirect      map[punt.Key]punt.Key
	announcements []punt.Announcement
	adverts       []punt.RouterAdvert
	refused       []string

	hosts map[ovsdb.UUID]bool // VIFs that are announced
	waits map[string]bool     // ports whose place was asked for
}

func (p *part) empty() bool {
	return p == nil || len(p.redirect)+len(p.announcements)+len(p.adverts)+len(p.refused)+len(p.hosts)+len(p.waits) == 0
}

// equal compares what goes into the view.
func (p *part) equal(o *part) bool {
	if p == nil || o == nil {
		return (p == nil || p.inert()) && (o == nil || o.inert())
	}
	return maps.Equal(p.redirect, o.redirect) && slices.Equal(p.announcements, o.announcements) && slices.Equal(p.adverts, o.adverts)
}

func (p *part) inert() bool { return len(p.redirect)+len(p.announcements)+len(p.adverts) == 0 }

func (p *part) resident() map[string]bool {
	if p == nil {
		return nil
	}
	return p.waits
}

// build makes the part of a local datapath with tunnel key key.
func (s *SlowPath) build(dp ovsdb.UUID, key uint32) *part {
	p := &part{redirect: map[punt.Key]punt.Key{}, hosts: map[ovsdb.UUID]bool{}, waits: map[string]bool{}}
	resident := func(lport string) bool {
		p.waits[lport] = true
		return s.ports.Resident(lport)
	}
	rows := slices.SortedFunc(slices.Values(s.w.SB.PortBindingByDatapath.Get(dp)), func(a, b *sb.PortBinding) int {
		return cmp.Compare(a.TunnelKey, b.TunnelKey)
	})
	var announced []punt.LocalnetPort
	plugged := s.plugged(dp)
	for _, pb := range rows {
		k := punt.Key{Datapath: key, Port: uint32(pb.TunnelKey)}
		if binding.KindOf(pb) == binding.ChassisRedirect {
			if dist := s.w.SB.PortBindingByLogicalPort.One(pb.Options["distributed-port"]); dist != nil && dist.Datapath == dp {
				p.redirect[k] = punt.Key{Datapath: key, Port: uint32(dist.TunnelKey)}
			}
		}
		if a, ok := s.localnetPort(pb, k); ok && plugged {
			announced = append(announced, a)
			if a.VIF {
				p.hosts[pb.UUID] = true
			}
		}
	}
	var broken []error
	p.announcements, broken = punt.Announcements(announced, resident)
	for _, err := range broken {
		p.refused = append(p.refused, "not announced: "+err.Error())
	}
	s.advertise(p, dp, key, resident)
	return p
}

// plugged tells whether a datapath has a localnet port that leads to a physical
// network on this chassis.
func (s *SlowPath) plugged(dp ovsdb.UUID) bool {
	return slices.ContainsFunc(s.local.Localnets(dp), func(pb *sb.PortBinding) bool { return s.ports.Get(pb.UUID).Ofport != 0 })
}

// announces tells whether a VIF is one whose addresses are announced.
func (s *SlowPath) announces(pb *sb.PortBinding) bool {
	return s.ports.Get(pb.UUID).Resident && s.plugged(pb.Datapath)
}

// localnetPort describes a port whose addresses are announced.
func (s *SlowPath) localnetPort(pb *sb.PortBinding, k punt.Key) (punt.LocalnetPort, bool) {
	a := punt.LocalnetPort{Port: k, NAT: pb.NATAddresses}
	if old := pb.Options["nat-addresses"]; len(a.NAT) == 0 && old != "" { // before OVN 2.12
		a.NAT = []string{old}
	}
	switch binding.KindOf(pb) {
	case binding.VIF, binding.Container:
		a.VIF, a.Addresses = true, pb.MAC
	case binding.L3Gateway:
	case binding.Patch:
		a.Patch = true
	default:
		return a, false
	}
	if !a.Patch && !s.ports.Get(pb.UUID).Resident {
		return a, false
	}
	return a, !s.silent(pb)
}

// silent tells whether announcements are switched off for a port or for the router
// behind it (disable_garp_rarp).
func (s *SlowPath) silent(pb *sb.PortBinding) bool {
	if pb.Options["disable_garp_rarp"] == "true" {
		return true
	}
	peer := s.local.PeerOf(pb)
	if peer == nil {
		return false
	}
	router := s.w.SB.DatapathBinding.Get(peer.Datapath)
	return router != nil && router.ExternalIDs["disable_garp_rarp"] == "true"
}

// advertise adds the routers that advertise themselves into a switch. Every chassis
// with a port of the switch does that for its own ports, wherever the router is.
func (s *SlowPath) advertise(p *part, dp ovsdb.UUID, key uint32, resident func(string) bool) {
	for _, peer := range s.local.Peers(dp) {
		router := peer.Remote
		if router.Options["ipv6_ra_send_periodic"] != "true" {
			continue
		}
		ra, err := punt.ParseRAConfig(router.Options)
		if err != nil {
			p.refused = append(p.refused, "lport "+router.LogicalPort+" does not advertise its router: "+err.Error())
			continue
		}
		ra.Port = punt.Key{Datapath: key, Port: uint32(peer.Local.TunnelKey)}
		if binding.KindOf(router) == binding.L3Gateway {
			ra.Gateway = resident(router.LogicalPort)
		} else if gateway := router.Options["chassis-redirect-port"]; gateway != "" {
			ra.Gateway = resident(gateway)
		}
		p.adverts = append(p.adverts, ra)
	}
}

// announceLocally tells the routers of this chassis of new announcements on a switch:
// ovn-northd's flows keep announcements made here from them. So does ovn-controller.
func (s *SlowPath) announceLocally(dp ovsdb.UUID, old, now *part) {
	if now == nil {
		return
	}
	for _, a := range now.announcements {
		if !a.IP.Is4() || old != nil && slices.Contains(old.announcements, a) {
			continue
		}
		for _, peer := range s.local.Peers(dp) {
			key, local := s.local.Key(peer.Remote.Datapath)
			router := s.w.SB.DatapathBinding.Get(peer.Remote.Datapath)
			if !local || router == nil || uint32(peer.Local.TunnelKey) == a.Port.Port {
				continue
			}
			port := punt.Key{Datapath: key, Port: uint32(peer.Remote.TunnelKey)}
			s.writer.learn(punt.Neighbor{NeighborKey: punt.NeighborKey{Port: port, IP: a.IP}, MAC: a.MAC},
				router.ExternalIDs["always_learn_from_arp_request"] == "false")
		}
	}
}
