package vtepdb

import (
	"strings"

	"github.com/sluice-gw/sluice/internal/ovsdb/idl"
	"github.com/sluice-gw/sluice/vtepdb/rows"
)

// The record in Global.other_config is what has to outlive the process and is in no other row. Each of its keys ends with the
// identity of the Southbound database.
const (
	// locatorsKey has the tunnel addresses that rows have led to.
	locatorsKey = "sluice-locators:"
	// modeKey says that a switch here cannot do source node replication: it clears its fault when it is no longer asked to.
	modeKey = "sluice-replication:"
	// bfdRecordKey says that BFD was configured from here, so that it is taken back.
	bfdRecordKey = "sluice-bfd:"
)

var recordKeys = []string{locatorsKey, modeKey, bfdRecordKey}

// record is what it is to be, and the row that has it; nil: there is none. An address is in it before a row leads there, and stays
// as long as there may be one.
func (p *Planner) record() (global *rows.Global, want map[string]string) {
	for g := range p.db.Global.All() {
		global = g
	}
	if global == nil {
		return nil, nil
	}
	if p.inUse == nil {
		text := strings.Join(sortedKeys(p.reached()), ",")
		p.inUse = &text
	}
	text := *p.inUse
	if has := global.OtherConfig[locatorsKey+p.owner]; has != text && has != "" && len(p.macs)+len(p.floods)+len(p.tunnels) > 0 {
		reached := p.reached()
		for ip := range p.recorded {
			if ip != "" {
				reached[ip] = true
			}
		}
		text = strings.Join(sortedKeys(reached), ",")
	}
	want = map[string]string{locatorsKey + p.owner: text, modeKey + p.owner: "", bfdRecordKey + p.owner: ""}
	if p.unable && !p.withdrawn {
		want[modeKey+p.owner] = ServiceNode
	}
	switch {
	case p.configuresBFD():
		want[bfdRecordKey+p.owner] = "true"
	case len(p.tunnels) > 0: // some of which may have to be changed back
		want[bfdRecordKey+p.owner] = global.OtherConfig[bfdRecordKey+p.owner]
	}
	return global, want
}

func (p *Planner) recordDiffers() bool {
	global, want := p.record()
	for key, text := range want {
		if global.OtherConfig[key] != text {
			return true
		}
	}
	return false
}

// reached are the tunnel addresses of all chassis and service nodes, if rows may lead there.
func (p *Planner) reached() map[string]bool {
	out := map[string]bool{}
	if len(p.boundTo) == 0 && !p.configuresBFD() {
		return out
	}
	for id, c := range p.chassis {
		if c.IP != "" && !p.ours(id) {
			out[c.IP] = true
		}
	}
	for _, ip := range p.settings.serviceNodes {
		out[ip] = true
	}
	return out
}

func (w *writer) writeRecord() {
	const name = "the record in Global.other_config"
	g, want := w.record()
	if g == nil || !w.recordDiffers() {
		delete(w.drift.touched, recordDrift)
		return
	}
	if !w.tx.Part(idl.Part{Kind: "record", Table: "Global", Row: g.UUID, Name: name}) {
		return
	}
	w.wrote(recordDrift, name)
	for key, text := range want {
		if g.OtherConfig[key] == text {
			continue
		}
		w.tx.Mutate("Global", g.UUID, "other_config", "delete", []string{key})
		if text != "" {
			w.tx.Mutate("Global", g.UUID, "other_config", "insert", map[string]string{key: text})
		}
	}
}
