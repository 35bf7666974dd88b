package ofp

import (
	"fmt"
	"strings"
)

var meterFlagNames = flagNames{"kbps", "pktps", "burst", "stats"}

// reservedMeters are the meters that have names.
var reservedMeters = map[uint32]string{MeterSlowpath: "slowpath", MeterController: "controller", MeterAll: "all"}

// AppendText appends the meter as "ovs-ofctl dump-meters" prints it, each band
// on a line of its own.
func (m *MeterConfig) AppendText(b []byte) ([]byte, error) {
	b = append(appendMeterID(append(b, "meter="...), m.ID), ' ')
	if m.Flags != 0 {
		b = append(meterFlagNames.appendSet(b, uint64(m.Flags), ' '), ' ')
	}
	b = append(b, "bands="...)
	for _, k := range m.Bands {
		switch k.Type {
		case BandDrop:
			b = append(b, "\ntype=drop"...)
		case BandDSCPRemark:
			b = append(b, "\ntype=dscp_remark"...)
		default:
			return b, fmt.Errorf("ofp: meter %d: band of type %d is not supported", m.ID, k.Type)
		}
		b = appendUint(append(b, " rate="...), uint64(k.Rate))
		if m.Flags&MeterBurst != 0 {
			b = appendUint(append(b, " burst_size="...), uint64(k.Burst))
		}
		if k.Type == BandDSCPRemark {
			b = appendUint(append(b, " prec_level="...), uint64(k.Prec))
		}
	}
	return b, nil
}

func appendMeterID(b []byte, id uint32) []byte {
	if id <= MeterMax {
		return appendUint(b, uint64(id))
	}
	if name, ok := reservedMeters[id]; ok {
		return append(b, name...)
	}
	return append(b, "unknown"...)
}

// String is the text of AppendText, or the error.
func (m *MeterConfig) String() string {
	b, err := m.AppendText(nil)
	if err != nil {
		return "<" + err.Error() + ">"
	}
	return string(b)
}

// ParseMeter reads a meter as ovs-ofctl(8) writes and accepts it, such as
// "meter=1,kbps,burst,bands=type=drop,rate=1000,burst_size=100".
func ParseMeter(s string) (*MeterConfig, error) {
	m, err := parseMeter(s)
	if err != nil {
		return nil, fmt.Errorf("ofp: meter: %w", err)
	}
	return m, nil
}

func parseMeter(s string) (*MeterConfig, error) {
	head, bands, ok := strings.Cut(s, "band")
	_, bands, ok2 := strings.Cut(bands, "=")
	if !ok || !ok2 {
		return nil, fmt.Errorf("%q has no bands=", s)
	}
	m := &MeterConfig{}
	for p, err := range pairs(head) {
		if b, ok := meterFlagNames.bit(p.key); ok && err == nil {
			m.Flags |= MeterFlags(b)
			continue
		}
		if err == nil && p.key != "meter" {
			err = fmt.Errorf("%q is not supported", p.key)
		}
		if err == nil {
			m.ID, err = parseMeterID(p.value)
		}
		if err != nil {
			return nil, err
		}
	}
	for p, err := range pairs(bands) {
		if err == nil {
			err = m.parseBandItem(p)
		}
		if err != nil {
			return nil, err
		}
	}
	return m, m.check()
}

func parseMeterID(s string) (uint32, error) {
	for id, name := range reservedMeters {
		if name == s {
			return id, nil
		}
	}
	n, err := parseUint(s, 32)
	if err == nil && (n == 0 || uint32(n) > MeterMax) {
		err = fmt.Errorf("meter %d: it must be 1 to %d", n, MeterMax)
	}
	return uint32(n), err
}

func (m *MeterConfig) parseBandItem(p pair) error {
	if p.key == "type" {
		t, ok := map[string]BandType{"drop": BandDrop, "dscp_remark": BandDSCPRemark}[p.value]
		if !ok {
			return fmt.Errorf("%q is no type of band", p.value)
		}
		m.Bands = append(m.Bands, Band{Type: t})
		return nil
	}
	if len(m.Bands) == 0 {
		return fmt.Errorf("%q: a band starts with its type", p.text)
	}
	k := &m.Bands[len(m.Bands)-1]
	n, err := parseUint(p.value, 32)
	if err != nil {
		return fmt.Errorf("%s: %w", p.key, err)
	}
	switch p.key {
	case "rate":
		k.Rate = uint32(n)
	case "burst_size":
		k.Burst = uint32(n)
	case "prec_level":
		if n > 0xff {
			return fmt.Errorf("prec_level %d does not fit into 8 bits", n)
		}
		k.Prec = uint8(n)
	default:
		return fmt.Errorf("%q is not supported", p.key)
	}
	return nil
}

// check refuses what ovs-ofctl refuses.
func (m *MeterConfig) check() error {
	switch {
	case m.ID == 0:
		return fmt.Errorf("meter must be given")
	case m.Flags&(MeterKbps|MeterPktps) == 0:
		return fmt.Errorf("meter %d: neither kbps nor pktps", m.ID)
	case len(m.Bands) == 0:
		return fmt.Errorf("meter %d: there are no bands", m.ID)
	}
	for _, k := range m.Bands {
		if k.Rate == 0 || (k.Burst != 0) != (m.Flags&MeterBurst != 0) || (k.Prec != 0) != (k.Type == BandDSCPRemark) {
			return fmt.Errorf("meter %d: a band needs a rate, burst_size exactly with burst, prec_level exactly with dscp_remark", m.ID)
		}
	}
	return nil
}
