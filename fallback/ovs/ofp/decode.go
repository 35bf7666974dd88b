package ofp

import "fmt"

// Unknown is a message of a type that is not used here.
type Unknown struct {
	Type         MessageType
	Experimenter uint32 // TypeExperimenter only, as is Subtype
	Subtype      uint32
}

// Decode reads one whole message of a switch. The result is one of *Hello,
// *Error, *Echo, *Features, *PacketIn, *FlowRemoved, *PortStatus, *MultipartReply,
// *Barrier, *BundleCtrl, *TLVTable and *Unknown. It may share memory with msg.
func Decode(msg []byte) (Header, any, error) {
	h, err := ParseHeader(msg)
	if err != nil {
		return h, nil, err
	}
	if int(h.Len) != len(msg) {
		return h, nil, fmt.Errorf("ofp: %s says its length is %d; there are %d bytes", h.Type, h.Len, len(msg))
	}
	if h.Version != Version && h.Type != TypeHello && h.Type != TypeError && h.Type != TypeEchoRequest && h.Type != TypeEchoReply {
		return h, nil, fmt.Errorf("ofp: %s of OpenFlow version 0x%02x; only 1.5 (0x06) is spoken here", h.Type, h.Version)
	}
	m, err := decodeBody(h, msg[HeaderLen:])
	return h, m, err
}

func decodeBody(h Header, b []byte) (any, error) {
	switch h.Type {
	case TypeHello:
		return result(decodeHello(h.Version, b))
	case TypeError:
		return result(decodeError(h, b))
	case TypeEchoRequest, TypeEchoReply:
		return &Echo{Reply: h.Type == TypeEchoReply, Data: b}, nil
	case TypeFeaturesReply:
		return result(decodeFeatures(b))
	case TypePacketIn:
		return result(decodePacketIn(b))
	case TypeFlowRemoved:
		return result(decodeFlowRemoved(b))
	case TypePortStatus:
		return result(decodePortStatus(b))
	case TypeMultipartReply:
		return result(decodeMultipartReply(b))
	case TypeBarrierRequest, TypeBarrierReply:
		return &Barrier{Reply: h.Type == TypeBarrierReply}, nil
	case TypeBundleControl:
		return result(decodeBundleCtrl(b))
	case TypeExperimenter:
		return decodeExperimenter(b)
	}
	return &Unknown{Type: h.Type}, nil
}

func decodeExperimenter(b []byte) (any, error) {
	r := reader{b: b, what: "experimenter message"}
	u := &Unknown{Type: TypeExperimenter, Experimenter: r.u32(), Subtype: r.u32()}
	if r.err != nil {
		return nil, fmt.Errorf("ofp: %w", r.err)
	}
	if u.Experimenter == expNicira {
		switch u.Subtype {
		case nxtPacketIn2:
			return result(decodePacketIn2(r.b))
		case nxtTLVTableReply:
			return result(decodeTLVTable(r.b))
		}
	}
	return u, nil
}

// result turns a typed result into an untyped one without making an interface
// of a nil pointer.
func result[T any](m *T, err error) (any, error) {
	if err != nil {
		return nil, err
	}
	return m, nil
}
