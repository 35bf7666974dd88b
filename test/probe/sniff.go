package probe

import (
	"errors"
	"fmt"
	"net"
	"os"
	"time"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
	"golang.org/x/sys/unix"
)

// Wire sees and sends whole Ethernet frames on an interface.
type Wire struct {
	// MAC is the interface's own address.
	MAC net.HardwareAddr

	file *os.File // the packet socket, in the runtime's poller so that deadlines work
	name string
}

// OpenWire attaches to an interface of the namespace. Frames that the host itself sends are not seen.
func OpenWire(ns Netns, iface string) (*Wire, error) {
	w := &Wire{name: iface}
	err := ns.Do(func() error {
		i, err := net.InterfaceByName(iface)
		if err != nil {
			return err
		}
		w.MAC = i.HardwareAddr
		all := htons(unix.ETH_P_ALL)
		// Without a protocol it gets nothing until it is bound: not what comes to other interfaces, nor what the host sends.
		fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
		if err != nil {
			return err
		}
		w.file = os.NewFile(uintptr(fd), iface)
		return errors.Join(
			unix.SetsockoptInt(fd, unix.SOL_PACKET, unix.PACKET_IGNORE_OUTGOING, 1),
			unix.Bind(fd, &unix.SockaddrLinklayer{Protocol: all, Ifindex: i.Index}))
	})
	if err != nil {
		return nil, fmt.Errorf("open interface %s: %w", iface, errors.Join(err, w.Close()))
	}
	return w, nil
}

// Close detaches from the interface.
func (w *Wire) Close() error {
	if w.file == nil {
		return nil
	}
	return w.file.Close()
}

// Send sends a frame made of the layers, with lengths and checksums filled in.
func (w *Wire) Send(layers ...gopacket.SerializableLayer) error {
	frame, err := Frame(layers...)
	if err != nil {
		return err
	}
	return w.SendFrame(frame)
}

// SendFrame sends a frame as it is.
func (w *Wire) SendFrame(frame []byte) error {
	_, err := w.file.Write(frame)
	return err
}

// Frame makes a frame of the layers, with lengths and checksums filled in.
func Frame(layers ...gopacket.SerializableLayer) ([]byte, error) {
	buf := gopacket.NewSerializeBuffer()
	err := gopacket.SerializeLayers(buf, gopacket.SerializeOptions{FixLengths: true, ComputeChecksums: true}, layers...)
	return buf.Bytes(), err
}

// ErrNoFrame is in the error of Await when the frame has not come in time.
var ErrNoFrame = errors.New("no such frame")

// Await reads frames until match accepts one; what names it in the error when none has come within timeout.
func (w *Wire) Await(timeout time.Duration, what string, match func(gopacket.Packet) bool) (gopacket.Packet, error) {
	if err := w.file.SetReadDeadline(time.Now().Add(timeout)); err != nil {
		return nil, err
	}
	buf := make([]byte, 65536)
	for seen := 0; ; seen++ {
		n, err := w.file.Read(buf)
		if errors.Is(err, os.ErrDeadlineExceeded) {
			return nil, fmt.Errorf("%w: no %s on %s within %s, among %d others", ErrNoFrame, what, w.name, timeout, seen)
		}
		if err != nil {
			return nil, err
		}
		if p := gopacket.NewPacket(buf[:n], layers.LayerTypeEthernet, gopacket.Default); match(p) {
			return p, nil
		}
	}
}

// AwaitGratuitousARP waits until someone announces the IPv4 address, and returns the MAC address it announces.
func (w *Wire) AwaitGratuitousARP(ip net.IP, timeout time.Duration) (net.HardwareAddr, error) {
	p, err := w.Await(timeout, "gratuitous ARP of "+ip.String(), func(p gopacket.Packet) bool {
		a, ok := p.Layer(layers.LayerTypeARP).(*layers.ARP)
		return ok && ip.Equal(a.SourceProtAddress) && ip.Equal(a.DstProtAddress)
	})
	if err != nil {
		return nil, err
	}
	return p.Layer(layers.LayerTypeARP).(*layers.ARP).SourceHwAddress, nil
}

func htons(v uint16) uint16 { return v<<8 | v>>8 }
