package ovsdbtest

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"sync"
	"testing"
)

// Script says what a server never says: it serves one database, whose content and changes are texts of a test. It is for malformed rows
// only; what a real server can be brought to do a Server shows.
type Script struct {
	Remote string
	schema []byte
	first  string // <table-updates2> of the first read
	then   []string
}

// StartScript starts a server, until the test ends, of a database with the schema in a file. Its content is first, and each of then is
// a change, all as <table-updates2> (ovsdb-server(7), section 4.1.14). Transactions are refused.
func StartScript(t testing.TB, schemaPath, first string, then ...string) *Script {
	t.Helper()
	schema, err := os.ReadFile(schemaPath)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "s")
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	s := &Script{Remote: "unix:" + path, schema: schema, first: first, then: then}
	var group sync.WaitGroup
	var mu sync.Mutex
	var conns []net.Conn // guarded by mu
	group.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			mu.Lock()
			conns = append(conns, c)
			mu.Unlock()
			group.Go(func() { s.serve(c) })
		}
	})
	t.Cleanup(func() {
		l.Close()
		mu.Lock()
		for _, c := range conns {
			c.Close()
		}
		mu.Unlock()
		group.Wait()
	})
	return s
}

func (s *Script) serve(c net.Conn) {
	defer c.Close()
	for in := json.NewDecoder(c); ; {
		var m struct {
			ID     json.RawMessage
			Method string
			Params []json.RawMessage
		}
		if in.Decode(&m) != nil {
			return
		}
		if _, err := io.WriteString(c, s.answer(m.Method, m.ID, m.Params)); err != nil {
			return
		}
	}
}

func (s *Script) answer(method string, id json.RawMessage, params []json.RawMessage) string {
	reply := func(result string) string { return fmt.Sprintf(`{"id":%s,"result":%s,"error":null}`, id, result) }
	switch {
	case method == "get_schema" && string(params[0]) != `"_Server"`:
		return reply(string(s.schema))
	case method == "monitor_cond_since":
		const transaction = "00000000-0000-0000-0000-000000000001"
		text := reply(fmt.Sprintf(`[false,"%s",%s]`, transaction, s.first))
		for _, change := range s.then {
			text += fmt.Sprintf(`{"id":null,"method":"update3","params":[%s,"%s",%s]}`, params[1], transaction, change)
		}
		return text
	case method == "monitor_cond_change":
		return reply("{}")
	case method == "echo":
		return reply("[]")
	case len(id) == 0 || string(id) == "null":
		return ""
	}
	return fmt.Sprintf(`{"id":%s,"result":null,"error":"unknown method"}`, id)
}
