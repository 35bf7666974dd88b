package ovsdbtest

import (
	"io"
	"net"
	"os"
	"path/filepath"
	"sync"
	"testing"
)

// Proxy stands between a client and a server and breaks their connections. It
// ends with the test.
type Proxy struct {
	Remote string // where it listens

	socket string
	listen net.Listener
	group  sync.WaitGroup

	// Guarded by mu.
	mu    sync.Mutex
	conns map[net.Conn]struct{}
	down  int64 // bytes from the server on each connection, -1: no limit
	up    int64 // bytes to the server, likewise
	cuts  int
	ended bool
}

// NewProxy starts a proxy in front of a server.
func NewProxy(t testing.TB, s *Server) *Proxy {
	t.Helper()
	dir, err := os.MkdirTemp("", "proxy")
	if err != nil {
		t.Fatal(err)
	}
	socket := filepath.Join(dir, "sock")
	l, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	p := &Proxy{Remote: "unix:" + socket, socket: s.socket(), listen: l, conns: make(map[net.Conn]struct{}), down: -1, up: -1}
	p.group.Go(p.accept)
	t.Cleanup(func() {
		p.mu.Lock()
		p.ended = true
		p.mu.Unlock()
		l.Close()
		p.Cut()
		p.group.Wait()
		os.RemoveAll(dir)
	})
	return p
}

// LimitTo cuts every connection, from the next on, after the server has sent n
// bytes on it. -1: no limit.
func (p *Proxy) LimitTo(n int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.down = n
}

// LimitRequestsTo cuts every connection, from the next on, after the client has sent n
// bytes on it. -1: no limit.
func (p *Proxy) LimitRequestsTo(n int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.up = n
}

// Cuts returns how often a limit was reached.
func (p *Proxy) Cuts() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.cuts
}

// Cut closes the connections that are open now.
func (p *Proxy) Cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for c := range p.conns {
		c.Close()
	}
}

func (p *Proxy) accept() {
	for {
		client, err := p.listen.Accept()
		if err != nil {
			return
		}
		server, err := net.Dial("unix", p.socket)
		if err != nil {
			client.Close()
			continue
		}
		p.mu.Lock()
		if p.ended {
			client.Close()
			server.Close()
		}
		p.conns[client], p.conns[server] = struct{}{}, struct{}{}
		down, up := p.down, p.up
		p.mu.Unlock()
		p.group.Go(func() { p.copy(server, client, up) })
		p.group.Go(func() { p.copy(client, server, down) })
	}
}

// copy moves bytes until an end closes or the limit is reached, and closes both.
func (p *Proxy) copy(dst, src net.Conn, limit int64) {
	var from io.Reader = src
	if limit >= 0 {
		from = io.LimitReader(src, limit)
	}
	n, _ := io.Copy(dst, from)
	p.mu.Lock()
	defer p.mu.Unlock()
	if n == limit {
		p.cuts++ // before anybody can see that the connection is gone
	}
	dst.Close()
	src.Close()
	delete(p.conns, dst)
	delete(p.conns, src)
}
