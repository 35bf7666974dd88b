package unixctl

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// serve runs a server with the commands until the test ends, and returns its socket.
func serve(t *testing.T, commands ...Command) string {
	t.Helper()
	cfg := Config{Path: filepath.Join(t.TempDir(), "prog.1.ctl"), Version: "prog 1.2\n", Commands: &Commands{}}
	cfg.Commands.Register(commands...)
	s, err := Listen(cfg)
	if err != nil {
		t.Fatal(err)
	}
	run(t, s)
	return s.Path()
}

func run(t *testing.T, s *Server) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Serve(ctx) }()
	stopped := false
	stop = func() {
		if stopped {
			return
		}
		stopped = true
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Serve: %v", err)
		}
	}
	t.Cleanup(stop)
	return stop
}

var echo = Command{Name: "echo", Usage: "WORD [WORD]", MinArgs: 1, MaxArgs: 2,
	Run: func(_ context.Context, args []string) (string, error) {
		if args[0] == "fail" {
			return "", errors.New("told to fail")
		}
		return strings.Join(args, " ") + "\n", nil
	}}

func TestCall(t *testing.T) {
	socket := serve(t, echo, Command{Name: "hidden", Hidden: true, Run: echo.Run})
	tests := []struct {
		command, want, refusal string
		args                   []string
	}{
		{command: "echo", args: []string{"a"}, want: "a\n"},
		{command: "echo", args: []string{"<é&>\t\"", "b"}, want: "<é&>\t\" b\n"},
		{command: "version", want: "prog 1.2\n"},
		{command: "list-commands", want: "The available commands are:\n" +
			"  echo                    WORD [WORD]\n" +
			"  list-commands           \n" +
			"  set-options             [--format text|json]\n" +
			"  version                 \n"},
		{command: "echo", args: []string{"fail"}, refusal: "told to fail"},
		{command: "echo", refusal: `"echo" command requires at least 1 arguments`},
		{command: "echo", args: []string{"1", "2", "3"}, refusal: `"echo" command takes at most 2 arguments`},
		{command: "nope", refusal: `"nope" is not a valid command (use "list-commands" to see a list of valid commands)`},
		{command: "set-options", args: []string{"--format=xml"}, refusal: "option format has invalid value xml"},
		{command: "set-options", args: []string{"--color"}, refusal: "unrecognized option '--color'"},
	}
	for _, tt := range tests {
		got, err := Call(t.Context(), socket, tt.command, tt.args...)
		if tt.refusal == "" {
			if err != nil || got != tt.want {
				t.Errorf("%s %q: got %q, %v, want %q", tt.command, tt.args, got, err, tt.want)
			}
			continue
		}
		if refused, ok := errors.AsType[*CommandError](err); !ok || refused.Text != tt.refusal {
			t.Errorf("%s %q: got %v, want refusal %q", tt.command, tt.args, err, tt.refusal)
		}
	}
}

func TestRawConversation(t *testing.T) {
	socket := serve(t, echo, Command{Name: "data", Run: echo.Run,
		JSON: func(context.Context, []string) (any, error) { return map[string]int{"rows": 3}, nil }})
	conn, err := dial(t.Context(), socket)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	// One connection, several requests, sent before the first answer was read;
	// among them what OVS 3.5's ovs-appctl -f json sends.
	exchange := []struct{ send, want string }{
		{`{"id":7,"method":"echo","params":["x"]}`, `{"id":7,"result":"x\n","error":null}`},
		{`{"id":"s","method":"echo","params":[]}`, `{"id":"s","result":null,"error":"\"echo\" command requires at least 1 arguments\n"}`},
		{`{"id":1,"method":"echo","params":[1]}`, `{"id":1,"result":null,"error":"\"echo\" command has non-string argument\n"}`},
		{`{"id":1,"method":"echo","params":[null]}`, `{"id":1,"result":null,"error":"\"echo\" command has non-string argument\n"}`},
		{`{"id":2,"method":"set-options","params":["--format","json"]}`, `{"id":2,"result":{"reply":"","reply-format":"plain"},"error":null}`},
		{`{"id":3,"method":"echo","params":["x"]}`, `{"id":3,"result":{"reply":"x\n","reply-format":"plain"},"error":null}`},
		{`{"id":4,"method":"data","params":[]}`, `{"id":4,"result":{"rows":3},"error":null}`},
		{`{"id":5,"method":"list-commands","params":[]}`, `{"id":5,"result":{"data":"","echo":"WORD [WORD]","list-commands":"","set-options":"[--format text|json]","version":""},"error":null}`},
		{`{"id":6,"method":"set-options","params":["--format=TEXT"]}`, `{"id":6,"result":"","error":null}`},
	}
	var out, want strings.Builder
	for _, e := range exchange {
		out.WriteString(e.send)
		want.WriteString(e.want)
	}
	if _, err := conn.Write([]byte(out.String())); err != nil {
		t.Fatal(err)
	}
	got := make([]byte, want.Len())
	conn.SetReadDeadline(time.Now().Add(10 * time.Second))
	for n := 0; n < len(got); {
		m, err := conn.Read(got[n:])
		if err != nil {
			t.Fatalf("%v after\n%s", err, got[:n])
		}
		n += m
	}
	if string(got) != want.String() {
		t.Errorf("got\n%s\nwant\n%s", got, want.String())
	}
}

func TestBadMessagesEndTheConnection(t *testing.T) {
	var log bytes.Buffer
	s, err := Listen(Config{Path: filepath.Join(t.TempDir(), "x.ctl"), Log: slog.New(slog.NewTextHandler(&log, nil))})
	if err != nil {
		t.Fatal(err)
	}
	stop := run(t, s)
	for _, bad := range []string{
		`{`, `[]`, `"x"`, `{"id":0,"params":[]}`, `{"id":0,"method":"version"}`, `{"id":0,"method":"version","params":{}}`,
		`{"id":null,"method":"version","params":[]}`, `{"method":"version","params":[]}`,
		`{"id":0,"result":"x","error":null}`, `{"id":0,"result":null,"error":"x"}`, "\x00\xff",
		`{"id":0,"method":"` + strings.Repeat("x", 2*maxRequest) + `","params":[]}`,
	} {
		conn, err := dial(t.Context(), s.Path())
		if err != nil {
			t.Fatal(err)
		}
		conn.SetDeadline(time.Now().Add(10 * time.Second))
		conn.Write([]byte(bad)) // may fail at the end of the long one: the server has hung up
		conn.(interface{ CloseWrite() error }).CloseWrite()
		buf := make([]byte, 100)
		if n, err := conn.Read(buf); n != 0 || errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("%.60q was answered %q, %v", bad, buf[:n], err)
		}
		conn.Close()
	}
	if text, err := Call(t.Context(), s.Path(), "version"); err != nil || text != "" {
		t.Errorf("afterwards: %q, %v", text, err)
	}
	stop()
	if n := strings.Count(log.String(), "WARN"); n != 5 {
		t.Errorf("%d warnings, want the 5 that the rate limit lets through:\n%s", n, log.String())
	}
}

func TestHangUpEndsTheRequest(t *testing.T) {
	started, ended := make(chan struct{}), make(chan struct{})
	socket := serve(t, Command{Name: "wait", Run: func(ctx context.Context, _ []string) (string, error) {
		close(started)
		<-ctx.Done()
		close(ended)
		return "", ctx.Err()
	}})
	ctx, cancel := context.WithCancel(t.Context())
	go func() { <-started; cancel() }()
	if _, err := Call(ctx, socket, "wait"); !errors.Is(err, context.Canceled) {
		t.Errorf("Call: %v", err)
	}
	<-ended
}

// The answer to a command that stops the program must still arrive.
func TestLastAnswer(t *testing.T) {
	s, err := Listen(Config{Path: filepath.Join(t.TempDir(), "x.ctl"), Commands: &Commands{}})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	s.cfg.Commands.Register(Command{Name: "exit", Run: func(ctx context.Context, _ []string) (string, error) {
		cancel()
		<-ctx.Done()
		return "bye\n", nil
	}})
	done := make(chan error, 1)
	go func() { done <- s.Serve(ctx) }()
	if text, err := Call(t.Context(), s.Path(), "exit"); err != nil || text != "bye\n" {
		t.Errorf("got %q, %v", text, err)
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(s.Path()); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the socket is still there: %v", err)
	}
}

func TestQueue(t *testing.T) {
	q := NewQueue()
	socket := serve(t, Command{Name: "owned", On: q, Run: func(context.Context, []string) (string, error) { return "mine", nil }})
	go func() { (<-q.C())() }()
	if text, err := Call(t.Context(), socket, "owned"); err != nil || text != "mine\n" {
		t.Errorf("got %q, %v", text, err)
	}
	// The owner is busy: the client gives up, and nothing is left for the owner to do.
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := Call(ctx, socket, "owned"); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("busy owner: %v", err)
	}
	if err := q.Do(ctx, func() { t.Error("withdrawn work was run") }); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Do: %v", err)
	}
}

func TestSocketFile(t *testing.T) {
	long := filepath.Join(t.TempDir(), strings.Repeat("d", 120))
	if err := os.Mkdir(long, 0o777); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(long, "prog.1.ctl")
	if err := os.WriteFile(path, []byte("left over"), 0o666); err != nil {
		t.Fatal(err)
	}
	s, err := Listen(Config{Path: path})
	if err != nil {
		t.Fatal(err)
	}
	stop := run(t, s)
	info, err := os.Stat(path)
	if err != nil || info.Mode()&fs.ModeSocket == 0 || info.Mode().Perm()&0o007 != 0 || info.Mode().Perm()&0o700 != 0o700 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	if _, err := Call(t.Context(), path, "version"); err != nil {
		t.Error(err)
	}
	stop()
	if _, err := Call(t.Context(), path, "version"); !errors.Is(err, fs.ErrNotExist) ||
		!strings.Contains(err.Error(), fmt.Sprintf("cannot connect to %q", path)) {
		t.Errorf("after the end: %v", err)
	}
	dir := t.TempDir()
	if _, err := Listen(Config{Path: dir}); err == nil {
		t.Error("Listen took a directory")
	}
	if _, err := os.Stat(dir); err != nil {
		t.Errorf("Listen removed an empty directory: %v", err)
	}
	if _, err := Listen(Config{Path: "/nonexistent/x.ctl"}); err == nil ||
		!strings.HasPrefix(err.Error(), "/nonexistent/x.ctl: could not initialize control socket: ") {
		t.Errorf("Listen: %v", err)
	}
}

func TestClose(t *testing.T) {
	for _, path := range []string{filepath.Join(t.TempDir(), "x.ctl"), "none"} {
		s, err := Listen(Config{Path: path})
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Close(); err != nil {
			t.Errorf("%s: %v", path, err)
		}
		if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s is still there: %v", path, err)
		}
	}
}

func TestNoSocket(t *testing.T) {
	s, err := Listen(Config{Path: "none"})
	if err != nil {
		t.Fatal(err)
	}
	run(t, s)()
	if _, err := os.Stat("none"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a file named none: %v", err)
	}
}

func TestRegisterTwice(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("no panic")
		}
	}()
	(&Commands{}).Register(echo, echo)
}

func FuzzRequest(f *testing.F) {
	f.Add([]byte(`{"id":0,"method":"vlog/set","params":["dbg"]}`))
	f.Add([]byte(`{"id":{},"method":"","params":[null,1,"\ud800"]}{"id":1`))
	f.Fuzz(func(t *testing.T, in []byte) {
		r := newReader(bytes.NewReader(in), maxRequest)
		for {
			var req request
			if r.next(&req) != nil || req.check() != nil {
				return
			}
			if args, err := req.args(); err == nil && len(args) != len(req.Params) {
				t.Errorf("%q: %d arguments of %d", in, len(args), len(req.Params))
			}
		}
	})
}
