package ovsdb

import (
	"fmt"
	"net"
	"strconv"
	"strings"
)

// Endpoint is one server.
type Endpoint struct {
	Scheme  string // "unix", "tcp" or "ssl"
	Address string // file name, or HOST:PORT
}

// defaultPort is IANA's port for OVSDB.
const defaultPort = "6640"

// String returns the form that ParseRemote reads.
func (e Endpoint) String() string { return e.Scheme + ":" + e.Address }

// ParseRemote reads a list of servers, see SessionConfig.Remote. The port may
// be left out: 6640.
func ParseRemote(remote string) ([]Endpoint, error) {
	var list []Endpoint
	for part := range strings.SplitSeq(remote, ",") {
		part = strings.TrimSpace(part)
		if part == "" {
			continue
		}
		e, err := parseEndpoint(part)
		if err != nil {
			return nil, fmt.Errorf("remote %q: %w", part, err)
		}
		list = append(list, e)
	}
	if len(list) == 0 {
		return nil, fmt.Errorf("remote %q names no server: expected unix:FILE, tcp:HOST:PORT or ssl:HOST:PORT", remote)
	}
	return list, nil
}

func parseEndpoint(s string) (Endpoint, error) {
	scheme, address, _ := strings.Cut(s, ":")
	switch scheme {
	case "unix":
		if address == "" {
			return Endpoint{}, fmt.Errorf("expected a file name behind \"unix:\"")
		}
		return Endpoint{scheme, address}, nil
	case "tcp", "ssl":
		address, err := parseHostPort(address)
		return Endpoint{scheme, address}, err
	}
	return Endpoint{}, fmt.Errorf("expected one that starts with \"unix:\", \"tcp:\" or \"ssl:\"")
}

// parseHostPort reads HOST[:PORT] with an IPv6 HOST in brackets.
func parseHostPort(s string) (string, error) {
	host, port, err := net.SplitHostPort(s)
	if err != nil {
		host, port = strings.TrimSuffix(strings.TrimPrefix(s, "["), "]"), defaultPort
		if strings.Contains(host, ":") != strings.HasPrefix(s, "[") {
			return "", fmt.Errorf("expected HOST:PORT, with an IPv6 address in brackets")
		}
	}
	if host == "" {
		return "", fmt.Errorf("expected a host")
	}
	if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
		return "", fmt.Errorf("port %q: expected a number from 1 to 65535", port)
	}
	return net.JoinHostPort(host, port), nil
}
