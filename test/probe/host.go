package probe

import (
	"errors"
	"io"
	"net"
	"net/netip"
	"time"
)

// Host is a machine with one interface that sends and watches packets: a namespace of this machine (Local), or another machine on which an
// agent runs (package remote). Its methods may be called from several goroutines. The errors of questions that find no answer are those of
// the functions of the same name, by errors.Is and Timeout(), wherever the host is.
type Host interface {
	// Configure sets the interface up; the closer puts it back as it was.
	Configure(InterfaceConfig) (io.Closer, error)
	// Serve has a UDPEcho and a TCPEcho answer at each of the ports, until they are closed.
	Serve(udp, tcp []uint16) (io.Closer, error)
	Ping(dst netip.Addr, o PingOptions) (PingReport, error)
	AskUDP(dst netip.AddrPort, timeout time.Duration) (UDPReport, error)
	ProvokeICMPError(dst netip.AddrPort, ttl, size int, timeout time.Duration) (ICMPError, error)
	DialTCP(dst netip.AddrPort, timeout time.Duration) (time.Duration, error)
	TransferTCP(dst netip.AddrPort, size int, timeout time.Duration) (TCPReport, error)
	// StartStream starts sending one datagram each interval. Stop ends it.
	StartStream(dst netip.AddrPort, interval time.Duration) (RunningStream, error)
	// MAC is the interface's own address.
	MAC() (net.HardwareAddr, error)
	// SendFrame sends an Ethernet frame as it is.
	SendFrame(frame []byte) error
	// Watch keeps the frames that come to the interface and contain one of the marks, until it is closed.
	Watch(marks ...[]byte) (RunningWatch, error)
}

// RunningStream is a Stream, wherever it runs.
type RunningStream interface {
	Mark() []byte
	Progress() (Progress, error)
	// Stop ends the stream, once.
	Stop() (StreamReport, error)
}

// RunningWatch is a Watch, wherever it runs.
type RunningWatch interface {
	// Await waits until n frames have come, in all, and returns those that have by then, or in time if these are fewer.
	Await(n int, timeout time.Duration) ([][]byte, error)
	// Close ends the watching, once, and returns all frames.
	Close() ([][]byte, error)
}

// Local is a namespace of this machine and its interface, as a Host: its methods are the functions of this package.
type Local struct {
	Netns     Netns
	Interface string
}

// Here is the namespace that the program is in.
type Here struct{}

// Do runs f.
func (Here) Do(f func() error) error { return f() }

type closer func() error

func (c closer) Close() error { return c() }

// Configure is described at Host, like the other methods.
func (h Local) Configure(c InterfaceConfig) (io.Closer, error) {
	restore, err := Configure(h.Netns, h.Interface, c)
	return closer(restore), err
}

func (h Local) Serve(udp, tcp []uint16) (_ io.Closer, err error) {
	var servers []interface{ Close() }
	end := func() error {
		for _, s := range servers {
			s.Close()
		}
		return nil
	}
	for _, port := range udp {
		s, err := ListenUDPEcho(h.Netns, port)
		if err != nil {
			return nil, errors.Join(err, end())
		}
		servers = append(servers, s)
	}
	for _, port := range tcp {
		s, err := ListenTCPEcho(h.Netns, port)
		if err != nil {
			return nil, errors.Join(err, end())
		}
		servers = append(servers, s)
	}
	return closer(end), nil
}

func (h Local) Ping(dst netip.Addr, o PingOptions) (PingReport, error) { return Ping(h.Netns, dst, o) }

func (h Local) AskUDP(dst netip.AddrPort, timeout time.Duration) (UDPReport, error) {
	return AskUDP(h.Netns, dst, timeout)
}

func (h Local) ProvokeICMPError(dst netip.AddrPort, ttl, size int, timeout time.Duration) (ICMPError, error) {
	return ProvokeICMPError(h.Netns, dst, ttl, size, timeout)
}

func (h Local) DialTCP(dst netip.AddrPort, timeout time.Duration) (time.Duration, error) {
	return DialTCP(h.Netns, dst, timeout)
}

func (h Local) TransferTCP(dst netip.AddrPort, size int, timeout time.Duration) (TCPReport, error) {
	return TransferTCP(h.Netns, dst, size, timeout)
}

func (h Local) StartStream(dst netip.AddrPort, interval time.Duration) (RunningStream, error) {
	s, err := StartStream(h.Netns, dst, interval)
	if err != nil {
		return nil, err
	}
	return localStream{s}, nil
}

type localStream struct{ *Stream }

func (s localStream) Progress() (Progress, error) { return s.Stream.Progress(), nil }

func (s localStream) Stop() (StreamReport, error) { return s.Stream.Stop(), nil }

func (h Local) MAC() (mac net.HardwareAddr, err error) {
	err = h.Netns.Do(func() error {
		i, err := net.InterfaceByName(h.Interface)
		if err == nil {
			mac = i.HardwareAddr
		}
		return err
	})
	return mac, err
}

func (h Local) SendFrame(frame []byte) error {
	w, err := OpenWire(h.Netns, h.Interface)
	if err != nil {
		return err
	}
	return errors.Join(w.SendFrame(frame), w.Close())
}

func (h Local) Watch(marks ...[]byte) (RunningWatch, error) {
	w, err := OpenWatch(h.Netns, h.Interface, marks...)
	if err != nil {
		return nil, err
	}
	return w, nil
}
