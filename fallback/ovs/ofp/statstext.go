package ofp

// Statistics as text, the way ovs-ofctl(8) prints them. None of these lines starts with the space that ovs-ofctl sets before it.

// AppendStatsText appends the flow with its statistics as "ovs-ofctl -O OpenFlow15
// dump-flows" prints it. ParseFlow reads that, too.
func (f *Flow) AppendStatsText(b []byte) ([]byte, error) { return f.appendText(b, true) }

// AppendText appends the counters as "ovs-ofctl dump-group-stats" prints them.
func (s *GroupStats) AppendText(b []byte) []byte {
	b = append(appendUint(append(b, "group_id="...), uint64(s.ID)), ',')
	if s.DurationSec != ^uint32(0) { // of no switch that keeps time
		b = append(appendDuration(append(b, "duration="...), s.DurationSec, s.DurationNsec), ',')
	}
	b = appendUint(append(b, "ref_count="...), uint64(s.Refs))
	b = appendUint(append(b, ",packet_count="...), s.Packets)
	b = appendUint(append(b, ",byte_count="...), s.Bytes)
	for i, k := range s.Buckets {
		if k.Packets == ^uint64(0) { // not kept
			continue
		}
		b = appendUint(append(b, ",bucket"...), uint64(i))
		b = appendUint(append(b, ":packet_count="...), k.Packets)
		b = appendUint(append(b, ",byte_count="...), k.Bytes)
	}
	return b
}

// String is the text of AppendText.
func (s *GroupStats) String() string { return string(s.AppendText(nil)) }

// AppendText appends the counters as "ovs-ofctl meter-stats" prints them, each band
// on a line of its own.
func (m *MeterCounts) AppendText(b []byte) []byte {
	b = appendMeterID(append(b, "meter:"...), m.ID)
	b = appendUint(append(b, " flow_count:"...), uint64(m.Flows))
	b = appendUint(append(b, " packet_in_count:"...), m.Packets)
	b = appendUint(append(b, " byte_in_count:"...), m.Bytes)
	b = appendDuration(append(b, " duration:"...), m.DurationSec, m.DurationNsec)
	b = append(b, " bands:"...)
	for i, k := range m.Bands {
		b = appendUint(append(b, '\n'), uint64(i))
		b = appendUint(append(b, ": packet_count:"...), k.Packets)
		b = appendUint(append(b, " byte_count:"...), k.Bytes)
	}
	return b
}

// String is the text of AppendText.
func (m *MeterCounts) String() string { return string(m.AppendText(nil)) }

// AppendText appends the table as "ovs-ofctl dump-tlv-map" prints it, on many lines.
func (t *TLVTable) AppendText(b []byte) []byte {
	space := uint64(0)
	for _, m := range t.Maps {
		space += uint64(m.Len)
	}
	b = appendUint(append(b, "max option space="...), uint64(t.MaxSpace))
	b = appendUint(append(b, " max fields="...), uint64(t.MaxFields))
	b = appendUint(append(b, "\n allocated option space="...), space)
	b = append(b, "\n\n mapping table:\n  class  type  length  match field\n ------  ----  ------  --------------"...)
	for _, m := range t.Maps {
		b = appendRight(append(b, "\n "...), appendHex(nil, V(uint64(m.Class))), 6)
		b = appendRight(append(b, "  "...), appendHex(nil, V(uint64(m.Type))), 4)
		b = appendRight(append(b, "  "...), appendUint(nil, uint64(m.Len)), 6)
		b = appendUint(append(b, "  tun_metadata"...), uint64(m.Index))
	}
	return b
}

// String is the text of AppendText.
func (t *TLVTable) String() string { return string(t.AppendText(nil)) }

// appendRight appends text at the right of a column.
func appendRight(b, text []byte, width int) []byte {
	for range width - len(text) {
		b = append(b, ' ')
	}
	return append(b, text...)
}

// appendDuration appends seconds with as many decimals as ovs-ofctl gives them: none,
// three where these suffice, else up to the last that is not 0.
func appendDuration(b []byte, sec, nsec uint32) []byte {
	const perMsec = 1_000_000
	b = appendUint(b, uint64(sec))
	switch {
	case nsec == 0:
	case nsec%perMsec == 0:
		b = appendPadded(append(b, '.'), uint64(nsec/perMsec), 3)
	default:
		b = appendPadded(append(b, '.'), uint64(nsec), 9)
		for b[len(b)-1] == '0' {
			b = b[:len(b)-1]
		}
	}
	return append(b, 's')
}

// appendPadded appends n as at least width decimal digits.
func appendPadded(b []byte, n uint64, width int) []byte {
	digits := appendUint(nil, n)
	for range width - len(digits) {
		b = append(b, '0')
	}
	return append(b, digits...)
}

// appendCounter appends a counter of a flow.
func appendCounter(b []byte, name string, n uint64) []byte {
	b = append(append(b, name...), '=')
	if n == ^uint64(0) { // not kept
		return append(b, "?, "...)
	}
	return append(appendUint(b, n), ", "...)
}
