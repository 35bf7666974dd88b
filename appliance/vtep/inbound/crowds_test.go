package inbound

import (
	"context"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"
)

// TestCrowds: strangers from many addresses, who hold on to all the connections that there may be, keep no switch out, and none that is registered and waits goes for them.
func TestCrowds(t *testing.T) {
	l := listen(t, Config{Survey: 50 * time.Millisecond, Greeting: time.Hour})
	if err := l.Opened(context.Background()); err != nil {
		t.Fatal(err)
	}
	c := l.Claim("tor1", Peer{Identity: someIdentity})
	defer c.Close()
	waits := l.call("127.0.0.1", nil, someIdentity, "tor1")
	l.becomes("whether the switch is known", func() string {
		known := false
		if err := l.do(context.Background(), func() {
			for caller := range l.callers {
				known = known || caller.known
			}
		}); err != nil {
			t.Fatal(err)
		}
		return fmt.Sprint(known)
	}, "true")
	const hosts = maxCallers/maxCallersOfOne + 2
	for host := range hosts {
		for range maxCallersOfOne {
			nc, err := (&net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, byte(2+host))}}).Dial("tcp4", l.address())
			if err != nil {
				t.Fatal(err)
			}
			defer nc.Close()
		}
	}
	l.refuses(hosts*maxCallersOfOne + 1 - maxCallers)
	l.gets(c, waits)
	again := l.call("127.0.0.1", nil, someIdentity, "tor1")
	<-waits.ended
	l.gets(c, again)
	if !strings.Contains(l.log.String(), "is closed for a newer one: 256 wait") {
		t.Error("nobody was told")
	}
}
