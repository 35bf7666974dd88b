package unixctl

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"sync"
	"time"

	"github.com/sluice-gw/sluice/internal/vlog"
)

// Config describes a Server. All but Path may be zero.
type Config struct {
	Path     string    // absolute name of the socket; "none" for a server that nobody can reach
	Version  string    // the answer to "version"
	Commands *Commands // besides list-commands, version and set-options, which every server has
	Log      *slog.Logger
}

// Server answers on a control socket.
type Server struct {
	cfg      Config
	listener *net.UnixListener // nil if Path is "none"
	warn     *slog.Logger      // for what clients can provoke
}

// DefaultPath is where clients look for the control socket of a program: RUNDIR/PROGRAM.PID.ctl.
func DefaultPath(runDir, program string, pid int) string {
	return fmt.Sprintf("%s/%s.%d.ctl", runDir, program, pid)
}

// Listen creates the socket and registers the commands that every server has. Clients can connect from now on; they are
// answered once Serve runs.
func Listen(cfg Config) (*Server, error) {
	if cfg.Commands == nil {
		cfg.Commands = &Commands{}
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	s := &Server{cfg: cfg, warn: vlog.Limit(cfg.Log, 5, 5)}
	if cfg.Path != "none" {
		l, err := listen(cfg.Path)
		if err != nil {
			return nil, fmt.Errorf("%s: could not initialize control socket: %w", cfg.Path, err)
		}
		s.listener = l
	}
	cfg.Commands.Register(s.builtins()...)
	return s, nil
}

// Close gives the socket up when Serve has not been called and will not be.
func (s *Server) Close() error {
	if s.listener == nil {
		return nil
	}
	return errors.Join(s.listener.Close(), os.Remove(s.cfg.Path))
}

// Path returns the name of the socket, or "none".
func (s *Server) Path() string { return s.cfg.Path }

const (
	drain         = time.Second            // for a client to take an answer
	acceptBackoff = 100 * time.Millisecond // before another connection is tried after a failure
)

// Serve answers requests until ctx ends. Handlers that run then see the end of their own context; their answers are still
// sent. The socket's file is removed at the end. Serve may be called once.
func (s *Server) Serve(ctx context.Context) error {
	if s.listener == nil {
		<-ctx.Done()
		return nil
	}
	defer os.Remove(s.cfg.Path)
	stop := context.AfterFunc(ctx, func() { s.listener.Close() })
	defer stop()
	defer s.listener.Close()

	var clients sync.WaitGroup
	defer clients.Wait()
	for {
		conn, err := s.listener.Accept()
		if ctx.Err() != nil {
			if err == nil {
				conn.Close()
			}
			return nil
		}
		if err != nil {
			if errors.Is(err, net.ErrClosed) {
				return fmt.Errorf("%s: the control socket was closed: %w", s.cfg.Path, err)
			}
			// Out of descriptors, most likely: they may come back.
			s.warn.Warn(fmt.Sprintf("%s: accept failed: %v", s.cfg.Path, err))
			select {
			case <-time.After(acceptBackoff):
			case <-ctx.Done():
			}
			continue
		}
		clients.Go(func() {
			defer conn.Close()
			c := client{server: s, conn: conn}
			c.serve(ctx)
		})
	}
}
