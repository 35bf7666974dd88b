package vlog

import (
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"syscall"
	"time"
)

// syslogger sends lines to the system log in one of the ways of --syslog-method. It connects when it has something to send
// and again after a failure; what it cannot send is lost, as it is with syslog(3): a log must not stop the program.
type syslogger struct {
	method   method
	facility int // code of -vFACILITY, 0 if none was given
	socket   outlet
	target   outlet // of --syslog-target
	named    bool   // a method was set
}

// method says how a line is framed.
type method uint8

const (
	viaLibc   method = iota // as the C library's syslog(3) does
	viaSocket               // the bare line behind its priority
	viaNull                 // not at all
)

// daemonFacility is what lines carry unless -vFACILITY says otherwise; local0 is its counterpart for %B and --syslog-target.
const (
	daemonFacility = 3 << 3
	local0         = 16 << 3
)

// SetSyslogMethod chooses how lines reach the system log: "libc", "null", "unix:FILE" or "udp:IP:PORT". Only the first choice
// counts, so that the command line wins over a default applied after it.
func (f *Facility) SetSyslogMethod(name string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.sys.named {
		return nil
	}
	kind, address, _ := strings.Cut(name, ":")
	switch {
	case name == "null":
		f.sys.method = viaNull
	case name == "libc":
		f.sys.method = viaLibc
	case kind == "unix" && address != "":
		f.sys.method, f.sys.socket = viaSocket, outlet{network: "unixgram", address: address}
	case kind == "udp" && address != "":
		f.sys.method, f.sys.socket = viaSocket, outlet{network: "udp", address: withPort(address, "514")}
	default:
		return fmt.Errorf("unsupported syslog method '%s'", name)
	}
	f.sys.named = true
	return nil
}

// SetSyslogTarget sends what goes to the system log also to a UDP port, in the format of RFC 5424. target is IP:PORT.
func (f *Facility) SetSyslogTarget(target string) error {
	host, _, err := net.SplitHostPort(target)
	if err != nil || net.ParseIP(host) == nil {
		return fmt.Errorf("--syslog-target=%s: not IP:PORT with a numerical address", target)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.sys.target = outlet{network: "udp", address: target}
	return nil
}

func withPort(address, port string) string {
	if _, _, err := net.SplitHostPort(address); err == nil {
		return address
	}
	return net.JoinHostPort(strings.Trim(address, "[]"), port)
}

// targetPattern is the format of --syslog-target: an RFC 5424 message with the module as MSGID.
var targetPattern = mustCompile("<%B>1 %D{%Y-%m-%dT%H:%M:%S.###Z} %E %A %P %c - \ufeff%m")

// prefix describes what stands in front of the pattern, for vlog/list-pattern.
func (s *syslogger) prefix() string {
	switch s.method {
	case viaSocket:
		return "<%B>"
	case viaNull:
		return ""
	}
	return "<%B> %D{%h %e %T} %E %A:"
}

func (s *syslogger) facilityOr(otherwise int) int {
	if s.facility != 0 {
		return s.facility
	}
	return otherwise
}

// send sends text, one message for each line of it.
func (s *syslogger) send(e *entry, text string) {
	if s.target.network != "" {
		s.target.send(targetPattern.render(nil, e), e.at)
	}
	if s.method == viaNull {
		return
	}
	if s.socket.network == "" {
		s.socket = outlet{network: "unixgram", address: "/dev/log"}
	}
	header := fmt.Sprintf("<%d>", s.facilityOr(daemonFacility)+levels[e.level].severity)
	if s.method == viaLibc {
		header += e.at.Local().Format(time.Stamp) + " " + e.facility.cfg.Program + ": "
	}
	for line := range strings.SplitSeq(text, "\n") {
		if line != "" {
			s.socket.send([]byte(header+line), e.at)
		}
	}
}

// outlet is a datagram socket that heals itself.
type outlet struct {
	network, address string
	conn             net.Conn
	retry            time.Time // not before this
	size             int       // largest datagram that the socket took after it refused a larger one; 0: no limit known
}

const (
	outletTimeout = 10 * time.Millisecond // for a receiver that does not drain its queue
	outletBackoff = time.Second           // after a failure, so that a dead receiver costs nothing
)

func (o *outlet) send(message []byte, now time.Time) {
	if now.Before(o.retry) {
		return
	}
	if o.conn == nil {
		conn, err := net.DialTimeout(o.network, o.address, outletTimeout)
		if err != nil {
			o.retry = now.Add(outletBackoff)
			return
		}
		o.conn = conn
	}
	for {
		if o.size > 0 && len(message) > o.size {
			message = message[:o.size]
		}
		// The deadline is real time even where the message's own time is not.
		err := o.conn.SetWriteDeadline(time.Now().Add(outletTimeout))
		if err == nil {
			_, err = o.conn.Write(message)
		}
		if errors.Is(err, syscall.EMSGSIZE) && len(message) > 1 {
			o.size = len(message) - (len(message)+19)/20
			continue
		}
		if err == nil {
			return
		}
		o.retry = now.Add(outletBackoff)
		if !errors.Is(err, os.ErrDeadlineExceeded) {
			o.conn.Close()
			o.conn = nil
		}
		return
	}
}
