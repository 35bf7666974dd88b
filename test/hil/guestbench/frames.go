package main

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/sluice-gw/sluice/controlplane/ir"
)

// frame is a UDP datagram between the hosts behind two ports, back for the way from the second to the first.
func frame(back bool, srcPort, dstPort int) ([]byte, error) {
	text := fmt.Sprintf("in_port=1, eth.src=0x020000000001, eth.dst=0x020000000f00, eth.type=0x800, ip4.src=0x0a000001, ip4.dst=0x0a000102, "+
		"ip.ttl=64, ip.proto=17, udp.src=%d, udp.dst=%d", srcPort, dstPort)
	if back {
		text = fmt.Sprintf("in_port=3, eth.src=0x020000000002, eth.dst=0x020000000f00, eth.type=0x800, ip4.src=0x0a000102, ip4.dst=0x0a000001, "+
			"ip.ttl=64, ip.proto=17, udp.src=%d, udp.dst=%d", srcPort, dstPort)
	}
	m, err := ir.ParseMatch(text)
	if err != nil {
		return nil, err
	}
	var terms []ir.Term
	for t := range m.Terms() {
		terms = append(terms, t)
	}
	p, err := ir.NewPacket(terms...)
	if err != nil {
		return nil, err
	}
	p.Len = 100
	return p.Frame(), nil
}

// socketOn sends frames by a device and, if listen, gets those that it receives, with the time at which the kernel had them.
func socketOn(device string, listen bool) (fd int, err error) {
	i, err := net.InterfaceByName(device)
	if err != nil {
		return -1, err
	}
	protocol := uint16(0)
	if listen {
		protocol = uint16(unix.ETH_P_ALL)<<8 | uint16(unix.ETH_P_ALL)>>8
	}
	if fd, err = unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, int(protocol)); err != nil {
		return -1, err
	}
	err = unix.Bind(fd, &unix.SockaddrLinklayer{Protocol: protocol, Ifindex: i.Index})
	if listen {
		patience := unix.NsecToTimeval((2 * time.Second).Nanoseconds())
		err = errors.Join(err, unix.SetsockoptInt(fd, unix.SOL_PACKET, unix.PACKET_IGNORE_OUTGOING, 1),
			unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_TIMESTAMPNS, 1), unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &patience))
	}
	if err != nil {
		return -1, errors.Join(err, unix.Close(fd))
	}
	return fd, nil
}

// errLost says that a frame did not come out.
var errLost = errors.New("the frame did not come out within 2 s")

// passage is how long a frame takes from one socket to where the kernel has it for the other: waking up who waits for it does not count.
func passage(from, to int, frame []byte, srcPort int) (time.Duration, error) {
	var sent unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_REALTIME, &sent); err != nil {
		return 0, err
	}
	if _, err := unix.Write(from, frame); err != nil {
		return 0, err
	}
	buf, control := make([]byte, 2048), make([]byte, 128)
	for {
		n, cn, _, _, err := unix.Recvmsg(to, buf, control, 0)
		switch {
		case errors.Is(err, unix.EINTR):
			continue
		case errors.Is(err, unix.EAGAIN):
			return 0, errLost
		case err != nil:
			return 0, err
		case n < 36 || int(binary.BigEndian.Uint16(buf[34:])) != srcPort:
			continue
		}
		messages, err := unix.ParseSocketControlMessage(control[:cn])
		if err != nil {
			return 0, err
		}
		for _, m := range messages {
			if m.Header.Level == unix.SOL_SOCKET && m.Header.Type == unix.SCM_TIMESTAMPNS && len(m.Data) >= int(unsafe.Sizeof(sent)) {
				seconds, nanoseconds := binary.NativeEndian.Uint64(m.Data), binary.NativeEndian.Uint64(m.Data[8:])
				return time.Duration(int64(seconds)-sent.Sec)*time.Second + time.Duration(int64(nanoseconds)-sent.Nsec), nil
			}
		}
		return 0, errors.New("the kernel gave no time for a frame")
	}
}

// mmsghdr is struct mmsghdr of recvmmsg(2).
type mmsghdr struct {
	header unix.Msghdr
	length uint32
	_      [4]byte
}

// flood sends a message by a socket so many times, many in one system call, and returns how long it took until they had come out elsewhere, by a counter.
func flood(by int, message []byte, n int, counter func() (int, error)) (took time.Duration, received int, err error) {
	const most = 64
	iov := unix.Iovec{Base: &message[0]}
	iov.SetLen(len(message))
	var messages [most]mmsghdr
	for i := range messages {
		messages[i].header.Iov, messages[i].header.Iovlen = &iov, 1
	}
	before, err := counter()
	if err != nil {
		return 0, 0, err
	}
	start := time.Now()
	for sent := 0; sent < n; {
		k, _, errno := unix.Syscall6(unix.SYS_SENDMMSG, uintptr(by), uintptr(unsafe.Pointer(&messages[0])), uintptr(min(most, n-sent)), 0, 0, 0)
		if errno != 0 && errno != unix.EINTR && errno != unix.ENOBUFS {
			return 0, 0, os.NewSyscallError("sendmmsg", errno)
		}
		if errno == 0 {
			sent += int(k)
		}
	}
	took = time.Since(start) // devices of a veth pair deliver before the call returns, or on the other processor soon after
	for last := -1; received < n && received != last; time.Sleep(20 * time.Millisecond) {
		last = received
		now, err := counter()
		if err != nil {
			return 0, 0, err
		}
		received = now - before
	}
	return took, received, nil
}

func receivedBy(device string) (int, error) {
	text, err := os.ReadFile("/sys/class/net/" + device + "/statistics/rx_packets")
	if err != nil {
		return 0, err
	}
	return strconv.Atoi(strings.TrimSpace(string(text)))
}
