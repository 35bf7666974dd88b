package remote

import (
	"io"
	"net"
	"net/netip"
	"time"

	"github.com/sluice-gw/sluice/test/probe"
)

var _ probe.Host = (*Host)(nil)

// Host is a host with an agent. Its methods are described at probe.Host; besides, they fail when the agent has ended or does not answer,
// with an error that names it, and does so at once from then on.
type Host struct{ *process }

// running is what runs at an agent.
type running struct {
	host   *Host
	handle Handle
	mark   []byte // of a stream
}

func (r running) Close() error {
	_, err := call[struct{}](r.host, "Close", r.handle, 0)
	return err
}

func (h *Host) Configure(c probe.InterfaceConfig) (io.Closer, error) {
	handle, err := call[Handle](h, "Configure", c, 0)
	return running{host: h, handle: handle}, err
}

func (h *Host) Serve(udp, tcp []uint16) (io.Closer, error) {
	handle, err := call[Handle](h, "Serve", ServeArgs{udp, tcp}, 0)
	return running{host: h, handle: handle}, err
}

func (h *Host) Ping(dst netip.Addr, o probe.PingOptions) (probe.PingReport, error) {
	return call[probe.PingReport](h, "Ping", PingArgs{dst, o}, o.Longest())
}

func (h *Host) AskUDP(dst netip.AddrPort, timeout time.Duration) (probe.UDPReport, error) {
	return call[probe.UDPReport](h, "AskUDP", Target{dst, timeout}, timeout)
}

func (h *Host) ProvokeICMPError(dst netip.AddrPort, ttl, size int, timeout time.Duration) (probe.ICMPError, error) {
	return call[probe.ICMPError](h, "ProvokeICMPError", ICMPErrorArgs{Target{dst, timeout}, ttl, size}, timeout)
}

func (h *Host) DialTCP(dst netip.AddrPort, timeout time.Duration) (time.Duration, error) {
	return call[time.Duration](h, "DialTCP", Target{dst, timeout}, timeout)
}

func (h *Host) TransferTCP(dst netip.AddrPort, size int, timeout time.Duration) (probe.TCPReport, error) {
	return call[probe.TCPReport](h, "TransferTCP", TransferArgs{Target{dst, timeout}, size}, timeout)
}

func (h *Host) StartStream(dst netip.AddrPort, interval time.Duration) (probe.RunningStream, error) {
	s, err := call[OpenStream](h, "StartStream", StreamArgs{dst, interval}, 0)
	if err != nil {
		return nil, err
	}
	return stream{running{host: h, handle: s.Handle, mark: s.Mark}}, nil
}

type stream struct{ running }

func (s stream) Mark() []byte { return s.mark }

func (s stream) Progress() (probe.Progress, error) {
	return call[probe.Progress](s.host, "Progress", s.handle, 0)
}

func (s stream) Stop() (probe.StreamReport, error) {
	return call[probe.StreamReport](s.host, "StopStream", s.handle, 0)
}

func (h *Host) MAC() (net.HardwareAddr, error) {
	return call[net.HardwareAddr](h, "MAC", struct{}{}, 0)
}

func (h *Host) SendFrame(frame []byte) error {
	_, err := call[struct{}](h, "SendFrame", frame, 0)
	return err
}

func (h *Host) Watch(marks ...[]byte) (probe.RunningWatch, error) {
	handle, err := call[Handle](h, "Watch", marks, 0)
	if err != nil {
		return nil, err
	}
	return watch{running{host: h, handle: handle}}, nil
}

type watch struct{ running }

func (w watch) Await(n int, timeout time.Duration) ([][]byte, error) {
	return call[[][]byte](w.host, "Await", AwaitArgs{w.handle, n, timeout}, timeout)
}

func (w watch) Close() ([][]byte, error) {
	return call[[][]byte](w.host, "CloseWatch", w.handle, 0)
}
