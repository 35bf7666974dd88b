package metrics

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/sluice-gw/sluice/internal/vlog"
)

// Collect makes what collects for one scrape, whose asking ends with ctx; log is for what does not answer.
type Collect func(ctx context.Context, log *slog.Logger) prometheus.Collector

// Config is what a Server works with.
type Config struct {
	Collect Collect
	Log     *slog.Logger
}

// Server answers scrapes at an address that can change.
type Server struct {
	cfg     Config
	warn    *slog.Logger // limited: scrapes are many
	process *prometheus.Registry
	moved   chan struct{}

	mu      sync.Mutex
	address string // guarded by mu: where to listen; "" for nowhere
	err     error  // guarded by mu: why nothing listens there
}

// New makes a server that listens nowhere.
func New(cfg Config) *Server {
	s := &Server{cfg: cfg, warn: vlog.Limit(cfg.Log, failuresPerMinute, failuresAtOnce), process: prometheus.NewRegistry(), moved: make(chan struct{}, 1)}
	s.process.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return s
}

// Failures that are logged in a minute, and at once.
const (
	failuresPerMinute = 5
	failuresAtOnce    = 5
)

// Listen has the server listen at an address from now on: "ADDRESS:PORT", "unix:/PATH", or
// "" for nowhere. It does not wait for that.
func (s *Server) Listen(address string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if address == s.address {
		return
	}
	s.address, s.err = address, errNotYet
	select {
	case s.moved <- struct{}{}:
	default:
	}
}

var errNotYet = errors.New("it begins to listen")

// State is where the server shall listen, and why it does not; nil if it does.
func (s *Server) State() (address string, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.address == "" {
		return "", nil
	}
	return s.address, s.err
}

// retryPause is between attempts to listen: the address may not be there yet, or still be
// somebody else's.
const retryPause = time.Second

// Run serves until ctx ends.
func (s *Server) Run(ctx context.Context) error {
	for logged := ""; ; {
		address := s.next()
		err := s.serve(ctx, address)
		var again <-chan time.Time
		if err != nil {
			s.failed(address, err)
			if text := fmt.Sprintf("metrics are not served at %s: %v; trying again", address, err); text != logged {
				logged = text
				s.cfg.Log.Warn(text)
			}
			again = time.After(retryPause)
		} else {
			logged = ""
			if ctx.Err() == nil {
				continue // it was told to move
			}
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-s.moved:
		case <-again:
		}
	}
}

// next is where to listen. That it has moved there is known then: else a server that has begun would be told to move to where it is.
func (s *Server) next() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	select {
	case <-s.moved:
	default:
	}
	return s.address
}

// failed notes what came of an attempt; nil: the server listens.
func (s *Server) failed(address string, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.address == address {
		s.err = err
	}
}

// serve serves at one address until it shall be another.
func (s *Server) serve(ctx context.Context, address string) error {
	if address == "" {
		select {
		case <-ctx.Done():
		case <-s.moved:
		}
		return nil
	}
	l, err := listen(ctx, address)
	if err != nil {
		return err
	}
	s.failed(address, nil)
	s.cfg.Log.Info("metrics are served at " + address)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	server := &http.Server{Handler: s.handler(), BaseContext: func(net.Listener) context.Context { return ctx },
		ReadHeaderTimeout: headerTimeout, WriteTimeout: writeTimeout, ErrorLog: slog.NewLogLogger(s.warn.Handler(), slog.LevelWarn)}
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(l) }()
	select {
	case <-ctx.Done():
	case <-s.moved:
	case err := <-ended:
		return errors.Join(err, server.Close())
	}
	cancel() // who waits for the engine need not any more
	last, stop := context.WithTimeout(context.WithoutCancel(ctx), drain)
	defer stop()
	if err := server.Shutdown(last); err != nil {
		_ = server.Close()
	}
	<-ended
	return nil
}

// Bounds of a request.
const (
	headerTimeout = 5 * time.Second
	writeTimeout  = 30 * time.Second
	// patience is how long a scrape waits for the controller: Prometheus gives up after 10 s by default.
	patience = 8 * time.Second
	drain    = time.Second // for a scraper to take its answer, when the server ends
	atOnce   = 2           // scrapes
)

func listen(ctx context.Context, address string) (net.Listener, error) {
	var lc net.ListenConfig
	path, unix := strings.CutPrefix(address, "unix:")
	if !unix {
		return lc.Listen(ctx, "tcp", address)
	}
	l, err := lc.Listen(ctx, "unix", path)
	if errors.Is(err, syscall.EADDRINUSE) && abandoned(ctx, path) {
		if err := os.Remove(path); err != nil {
			return nil, err
		}
		return lc.Listen(ctx, "unix", path)
	}
	return l, err
}

// abandoned tells a socket that a process left behind when it died.
func abandoned(ctx context.Context, path string) bool {
	info, err := os.Lstat(path)
	if err != nil || info.Mode().Type() != os.ModeSocket {
		return false
	}
	c, err := (&net.Dialer{}).DialContext(ctx, "unix", path)
	if err == nil {
		_ = c.Close()
	}
	return errors.Is(err, syscall.ECONNREFUSED)
}

func (s *Server) handler() http.Handler {
	mux := http.NewServeMux()
	room := make(chan struct{}, atOnce)
	mux.HandleFunc("GET /metrics", func(w http.ResponseWriter, r *http.Request) {
		select {
		case room <- struct{}{}:
			defer func() { <-room }()
		default: // the controller has better things to do
			http.Error(w, fmt.Sprintf("%d scrapes are being answered already", atOnce), http.StatusServiceUnavailable)
			return
		}
		ctx, cancel := context.WithTimeout(r.Context(), patience)
		defer cancel()
		once := prometheus.NewRegistry()
		once.MustRegister(s.cfg.Collect(ctx, s.warn))
		promhttp.HandlerFor(prometheus.Gatherers{once, s.process}, promhttp.HandlerOpts{ErrorLog: promLog{s.warn}}).ServeHTTP(w, r)
	})
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "sluice: metrics are at /metrics") })
	return mux
}

// promLog is a promhttp.Logger.
type promLog struct{ log *slog.Logger }

// Println implements promhttp.Logger.
func (l promLog) Println(v ...any) { l.log.Warn("metrics: " + fmt.Sprint(v...)) }
