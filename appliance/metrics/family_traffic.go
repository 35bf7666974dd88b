package metrics

import "github.com/sluice-gw/sluice/appliance/admin"

// trafficFamilies are about what rules in the target have seen.
func trafficFamilies() []family {
	var list []family
	for _, x := range []struct {
		name, help string
		labels     []string
		each       func(*admin.OffloadStatus, func(admin.OffloadTraffic, ...string))
	}{
		{"", "that rules in the target have seen, once each, by who saw to them", nil,
			func(s *admin.OffloadStatus, put func(admin.OffloadTraffic, ...string)) { put(s.Traffic) }},
		{"port_", "that rules in the target have seen where they come in by a port", []string{"port"},
			func(s *admin.OffloadStatus, put func(admin.OffloadTraffic, ...string)) {
				for _, p := range s.Ports {
					put(p.Received, p.Name)
				}
			}},
		{"datapath_", "that rules in the target have seen go through a logical switch or router", []string{"datapath"},
			func(s *admin.OffloadStatus, put func(admin.OffloadTraffic, ...string)) {
				for _, d := range byName(s.Datapaths) {
					put(d.Traffic, d.Name)
				}
			}},
	} {
		labels := append(x.labels, "by")
		list = append(list,
			offloaded(x.name+"packets_total", counter, "Packets "+x.help+": hardware, the kernel for it (kernel), or the fallback to which traps handed them (trapped).",
				func(s *admin.OffloadStatus, put put) {
					x.each(s, func(t admin.OffloadTraffic, labels ...string) {
						putTraffic(put, t, func(t admin.Traffic) uint64 { return t.Packets }, labels)
					})
				}, labels...),
			offloaded(x.name+"bytes_total", counter, "Bytes of those packets, from the Ethernet header on.", func(s *admin.OffloadStatus, put put) {
				x.each(s, func(t admin.OffloadTraffic, labels ...string) {
					putTraffic(put, t, func(t admin.Traffic) uint64 { return t.Bytes }, labels)
				})
			}, labels...))
	}
	return append(list, deviceFamilies()...)
}

// deviceFamilies hold what rules have seen to against what came in.
func deviceFamilies() (list []family) {
	for _, x := range []struct {
		name, help string
		of         func(*admin.OffloadUsage) admin.Traffic
	}{
		{"device_received", "that came in by a network device, as its driver counts them", func(d *admin.OffloadUsage) admin.Traffic { return d.Received }},
		{"device_offloaded", "of those that did not need Open vSwitch", func(d *admin.OffloadUsage) admin.Traffic { return d.Offloaded }},
		{"device_hardware", "of those that the device itself has seen to", func(d *admin.OffloadUsage) admin.Traffic { return d.Hardware }},
	} {
		each := func(of func(admin.Traffic) uint64) func(*admin.OffloadStatus, put) {
			return func(s *admin.OffloadStatus, put put) {
				for _, d := range s.Devices {
					put(float64(of(x.of(&d))), d.Device)
				}
			}
		}
		list = append(list,
			offloaded(x.name+"_packets_total", counter, "Packets "+x.help+".", each(func(t admin.Traffic) uint64 { return t.Packets }), "device"),
			offloaded(x.name+"_bytes_total", counter, "Bytes "+x.help+".", each(func(t admin.Traffic) uint64 { return t.Bytes }), "device"))
	}
	return list
}

func putTraffic(put put, t admin.OffloadTraffic, of func(admin.Traffic) uint64, labels []string) {
	for _, x := range []struct {
		by string
		t  admin.Traffic
	}{{"hardware", t.Hardware}, {"kernel", t.Kernel}, {"trapped", t.Trapped}} {
		put(float64(of(x.t)), append(labels[:len(labels):len(labels)], x.by)...)
	}
}
