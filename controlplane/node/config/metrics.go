package config

import (
	"net"
	"net/netip"
	"strconv"
	"strings"
)

// readMetrics reads where metrics are served. Names of hosts are not understood: they would have to be
// resolved, and there is a port to be opened on an address of this host.
func (c *Config) readMetrics(text string) {
	if text == "" || text == "off" {
		return
	}
	if path, unix := strings.CutPrefix(text, "unix:"); unix && strings.HasPrefix(path, "/") {
		c.Metrics = text
		return
	}
	host, port, err := net.SplitHostPort(text)
	if err == nil && host != "" {
		_, err = netip.ParseAddr(host)
	}
	if n, bad := strconv.ParseUint(port, 10, 16); err != nil || bad != nil || n == 0 {
		c.refuse("sluice-metrics=%q is neither ADDRESS:PORT, such as 127.0.0.1:9477, nor unix:/PATH: metrics are not served", text)
		return
	}
	c.Metrics = text
}
