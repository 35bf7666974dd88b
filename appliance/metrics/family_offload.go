package metrics

import "github.com/sluice-gw/sluice/appliance/admin"

// offloadFamilies are about the offload, apart from traffic.
func offloadFamilies() []family {
	return []family{
		offloaded("info", gauge, "1, with the target and the mode of the chassis.", func(s *admin.OffloadStatus, put put) { put(1, s.Target, s.Mode.String()) }, "target", "mode"),
		offloaded("active", gauge, "Whether packets are offloaded: 0 while it is switched off or something is in the way.",
			func(s *admin.OffloadStatus, put put) { put(truth(s.Obstacle == "")) }),
		offloaded("target_reached", gauge, "Whether the target can be reached; without that it is not known what it holds.",
			func(s *admin.OffloadStatus, put put) { put(truth(s.Error == "")) }),
		offloaded("revision", gauge, "Revision of the rules that are placed in the target.", func(s *admin.OffloadStatus, put put) { put(float64(s.Revision)) }),
		offloaded("paths", gauge, "Paths that packets get to, by where they are.", func(s *admin.OffloadStatus, put put) { putPaths(put, s.Total) }, "state"),
		offloaded("fallback_paths", gauge, "Paths in the fallback, by the code of the reason and the stage of the rule to blame.", func(s *admin.OffloadStatus, put put) {
			for _, r := range s.Reasons {
				put(float64(r.Paths), r.Code, r.Stage)
			}
		}, "reason", "stage"),
		offloaded("port_paths", gauge, "Paths that packets of a port of the integration bridge get to.", func(s *admin.OffloadStatus, put put) {
			for _, p := range s.Ports {
				putPaths(put, p.OffloadPaths, p.Name)
			}
		}, "port", "state"),
		offloaded("datapath_paths", gauge, "Paths through a logical switch or router.", func(s *admin.OffloadStatus, put put) {
			for _, d := range byName(s.Datapaths) {
				putPaths(put, d.OffloadPaths, d.Name)
			}
		}, "datapath", "state"),
		offloaded("refused_entries", gauge, "Rules, traps among them, that the target does not take, by the kind of refusal.", func(s *admin.OffloadStatus, put put) {
			for kind, n := range s.Refused {
				put(float64(n), kind)
			}
		}, "kind"),
	}
}

func putPaths(put put, n admin.OffloadPaths, labels ...string) {
	put(float64(n.Offloaded), append(labels[:len(labels):len(labels)], "offloaded")...)
	put(float64(n.Fallback), append(labels[:len(labels):len(labels)], "fallback")...)
}

// byName puts datapaths with one name together: nothing keeps two from having it, and a
// scrape with a sample twice is void.
func byName(list []admin.OffloadDatapath) (out []admin.OffloadDatapath) {
	at := map[string]int{}
	for _, d := range list {
		i, known := at[d.Name]
		if !known {
			at[d.Name] = len(out)
			out = append(out, d)
			continue
		}
		out[i].Offloaded += d.Offloaded
		out[i].Fallback += d.Fallback
		out[i].Traffic.Add(d.Traffic)
	}
	return out
}
