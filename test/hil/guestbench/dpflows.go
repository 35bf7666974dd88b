package main

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"regexp"
	"slices"
	"strings"
)

// datapathFlow is rule i of kinds as a flow of Open vSwitch's datapath, as a packet would have made it; those that change an IPv4 header are of
// one protocol, without which Open vSwitch offloads none. numbers are those of the ports in the datapath.
func datapathFlow(i int, numbers map[string]int, tunnel int) string {
	k := i % len(kinds)
	a, m := ipText(address(i-k)), macText(mac(i-k))
	in, to := fmt.Sprintf("recirc_id(0),in_port(%d)", numbers["p1"]), numbers["p3"]
	ufid := fmt.Sprintf("ufid:%08x-0000-0000-0000-000000000001,", i+1)
	outer := fmt.Sprintf("tun_id=0x7,src=%s,dst=%s,ttl=64", nearEnd, farEnd)
	switch k {
	case 0:
		return ufid + fmt.Sprintf("%s,eth(src=02:00:00:00:00:01,dst=02:00:00:00:0f:00),eth_type(0x0800),ipv4(dst=%s,proto=17,ttl=64,frag=no),udp(src=1/0,dst=1/0) "+
			"set(eth(src=02:00:00:00:0f:01,dst=%s)),set(ipv4(ttl=63)),%d", in, a, m, to)
	case 1:
		return ufid + fmt.Sprintf("%s,eth(dst=%s),eth_type(0x0800),ipv4(dst=%s,tos=0/0x3,frag=no) "+
			"set(tunnel(%s,tp_dst=6081,geneve({class=0x102,type=0x80,len=4,0x20003}),flags(csum|key))),%d", in, m, a, outer, tunnel)
	case 2:
		return ufid + fmt.Sprintf("recirc_id(0),tunnel(tun_id=0x7,src=%s,dst=%s,ttl=64/0,geneve({class=0x102,type=0x80,len=4,0x20003/0x7fffffff}),flags(+key)),in_port(%d),"+
			"eth(dst=%s),eth_type(0x0800),ipv4(frag=no) %d", farEnd, nearEnd, tunnel, m, to)
	case 3:
		return ufid + fmt.Sprintf("recirc_id(0),in_port(%d),eth_type(0x0800),ipv4(src=%s,frag=no) ct(zone=5),recirc(0x1)", to, a)
	case 4:
		return ufid + fmt.Sprintf("recirc_id(0x1),in_port(%d),ct_state(+est+trk),eth_type(0x0800),ipv4(src=%s,frag=no) %d", to, a, numbers["p1"])
	default:
		return ufid + fmt.Sprintf("recirc_id(0),in_port(%d),eth(dst=02:00:00:00:0f:00),eth_type(0x0800),ipv4(dst=%s,proto=17,ttl=64,frag=no),udp(src=1/0,dst=1/0) "+
			"set(eth(dst=%s)),set(ipv4(dst=10.0.9.3,ttl=63)),%d", numbers["p4"], a, m, to)
	}
}

func ipText(a uint32) string {
	return netip.AddrFrom4([4]byte{byte(a >> 24), byte(a >> 16), byte(a >> 8), byte(a)}).String()
}

func macText(m uint64) string {
	return fmt.Sprintf("%02x:%02x:%02x:%02x:%02x:%02x", byte(m>>40), byte(m>>32), byte(m>>24), byte(m>>16), byte(m>>8), byte(m))
}

// insertBySwitch puts flows into the datapath of an Open vSwitch that offloads: as many as there are rules, of those kinds that it puts into TC
// on this kernel, which are tried first. It returns the kinds, and why it did not take the others.
func insertBySwitch(n, reps int, all map[string][]inserted) (able []int, why []string, err error) {
	if _, err := batch("ip", removeTunnel); err != nil {
		return nil, nil, err
	}
	s, err := startSwitch("hw-offload=true", "tc-policy=skip_hw", "flow-limit=400000", "max-idle=3600000")
	if err != nil {
		return nil, nil, err
	}
	defer func() {
		_, again := batch("ip", addTunnel)
		err = errors.Join(err, again)
	}()
	defer func() { err = errors.Join(err, s.stop()) }()
	tunnel, ok := s.numbers["genev_sys_6081"]
	if !ok {
		return nil, nil, fmt.Errorf("the tunnel's device is not in the datapath: %v", s.numbers)
	}
	if _, err := s.appctl("revalidator/pause"); err != nil { // which would take flows away that no packet made
		return nil, nil, err
	}
	defer func() { // paused they keep ovs-vswitchd from ending
		_, resumed := s.appctl("revalidator/resume")
		err = errors.Join(err, resumed)
	}()
	for k := range kinds {
		if _, err := s.addFlows(datapathFlow(k, s.numbers, tunnel)); err != nil {
			return nil, nil, err
		}
		in, err := s.inTC()
		if err != nil {
			return nil, nil, err
		}
		if in == len(able)+1 {
			able = append(able, k)
		}
	}
	if why, err = s.refusals(); err != nil {
		return nil, nil, err
	}
	if len(able) == 0 {
		return nil, why, nil
	}
	var lines strings.Builder
	for i := range n {
		fmt.Fprintln(&lines, datapathFlow(i/len(able)*len(kinds)+able[i%len(able)], s.numbers, tunnel))
	}
	for range reps {
		if _, err := s.appctl("dpctl/del-flows"); err != nil {
			return able, why, err
		}
		x, err := s.addFlows(lines.String())
		if err != nil {
			return able, why, err
		}
		if x.filters, err = s.inTC(); err != nil {
			return able, why, err
		}
		if x.filters != n {
			return able, why, fmt.Errorf("of %d flows %d are in TC", n, x.filters)
		}
		all[bySwitch] = append(all[bySwitch], x)
	}
	return able, why, nil
}

// addFlows puts flows into the datapath.
func (s *vswitch) addFlows(lines string) (inserted, error) {
	file := s.file("flows")
	if err := os.WriteFile(file, []byte(lines), 0o600); err != nil {
		return inserted{}, err
	}
	return timed(s.cpu, func() error {
		_, err := s.appctl("dpctl/add-flows", file)
		return err
	})
}

// inTC is how many flows of the datapath are in TC.
func (s *vswitch) inTC() (int, error) {
	out, err := s.appctl("dpctl/dump-flows", "type=tc")
	return strings.Count(out, "recirc_id("), err
}

// refusals are what ovs-vswitchd has said of flows that it could not put into TC, or into its datapath.
func (s *vswitch) refusals() (list []string, err error) {
	text, err := os.ReadFile(s.file("ovs-vswitchd.log"))
	if err != nil {
		return nil, err
	}
	for _, m := range refusal.FindAllSubmatch(text, -1) {
		if words := string(m[1]); !slices.Contains(list, words) {
			list = append(list, words)
		}
	}
	return list, nil
}

var refusal = regexp.MustCompile(`\|((?:tc|netdev_offload_tc|dpif)\|(?:WARN|ERR)\|.{1,120})`)
