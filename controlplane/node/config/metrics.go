package config

import (
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"
)

// readMetrics reads where metrics are served.
func (c *Config) readMetrics(text string) {
	address, err := MetricsAddress(text)
	if err != nil {
		c.refuse("sluice-metrics=%v: metrics are not served", err)
	}
	c.Metrics = address
}

// MetricsAddress checks where metrics are to be served: "ADDRESS:PORT", "unix:/PATH", or "off", which is "". Names of hosts are
// not understood: they would have to be resolved, and there is a port to be opened on an address of this host.
func MetricsAddress(text string) (string, error) {
	if text == "" || text == "off" {
		return "", nil
	}
	if path, unix := strings.CutPrefix(text, "unix:"); unix && strings.HasPrefix(path, "/") {
		return text, nil
	}
	host, port, err := net.SplitHostPort(text)
	if err == nil && host != "" {
		_, err = netip.ParseAddr(host)
	}
	if n, bad := strconv.ParseUint(port, 10, 16); err != nil || bad != nil || n == 0 {
		return "", fmt.Errorf("%q is neither ADDRESS:PORT, such as 127.0.0.1:9477, nor unix:/PATH", text)
	}
	return text, nil
}
