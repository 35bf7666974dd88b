package inbound

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"time"

	"github.com/sluice-gw/sluice/internal/ovsdb"
)

const (
	// maxMessage bounds a message of a caller, in bytes: names of some thousand switches.
	maxMessage = 256 << 10
	// maxMessages bounds what a caller may say between two questions.
	maxMessages = 200
	// writeTimeout is how long a caller may leave what it is sent unread.
	writeTimeout = 10 * time.Second
)

// Facts are what the database of a caller says of itself.
type Facts struct {
	Identity string   // UUID of the row in Global; "" if there is none yet
	Switches []string // names in Physical_Switch
}

// talk is the conversation with a caller before it is handed over: JSON-RPC (RFC 7047, section 4), a message at a time.
type talk struct {
	source
	dec    *json.Decoder
	wanted <-chan struct{} // closed when the conversation is to end; the read deadline has passed then, too
}

// errWanted ends a conversation.
var errWanted = errors.New("it is handed over")

func newTalk(conn net.Conn, wanted <-chan struct{}) *talk {
	t := &talk{source: source{conn: conn, left: maxMessage}, wanted: wanted}
	t.dec = json.NewDecoder(&t.source)
	return t
}

// message is a request, a notification or a reply.
type message struct {
	ID     json.RawMessage `json:"id"`
	Method string          `json:"method"`
	Params json.RawMessage `json:"params"`
	Result json.RawMessage `json:"result"`
	Error  json.RawMessage `json:"error"`
}

const surveyID = `"survey"` // no number, as the ids are of whoever gets the connection

// question asks for Facts.
const question = `{"id":` + surveyID + `,"method":"transact","params":["hardware_vtep",` +
	`{"op":"select","table":"Global","where":[],"columns":["_uuid"]},{"op":"select","table":"Physical_Switch","where":[],"columns":["name"]}]}`

// survey asks who it is, and waits for the answer.
func (t *talk) survey(until time.Time) (Facts, error) {
	if err := t.send(question); err != nil {
		return Facts{}, err
	}
	reply, err := t.listen(until, surveyID)
	if err == nil && reply == nil {
		err = errors.New("it does not answer")
	}
	if err != nil {
		return Facts{}, err
	}
	return readFacts(reply)
}

func readFacts(reply *message) (f Facts, err error) {
	if text := string(reply.Error); text != "" && text != "null" {
		return f, fmt.Errorf("its server has no database hardware_vtep that can be read, it answers: %.300q", text)
	}
	var results []struct {
		Rows []struct {
			UUID []string `json:"_uuid"`
			Name string   `json:"name"`
		} `json:"rows"`
		Error   string `json:"error"`
		Details string `json:"details"`
	}
	if err := json.Unmarshal(reply.Result, &results); err != nil || len(results) != 2 {
		return f, fmt.Errorf("its server's answer %.300q is not that of an OVSDB server", reply.Result)
	}
	for _, r := range results {
		if r.Error != "" {
			return f, fmt.Errorf("its server answers: %.100q: %.200q", r.Error, r.Details)
		}
	}
	for _, row := range results[0].Rows {
		if len(row.UUID) != 2 {
			return f, fmt.Errorf("its server calls a row of Global %.100q", row.UUID)
		}
		id, ok := ovsdb.DecodeUUID([]byte(row.UUID[1]))
		if !ok {
			return f, fmt.Errorf("its server calls a row of Global %.100q", row.UUID)
		}
		f.Identity = id.String()
	}
	for _, row := range results[1].Rows {
		f.Switches = append(f.Switches, row.Name)
	}
	return f, nil
}

// listen answers until the time, or until the reply to a request comes. No reply and no error: the time has come.
func (t *talk) listen(until time.Time, id string) (*message, error) {
	for range maxMessages {
		if err := t.conn.SetReadDeadline(until); err != nil {
			return nil, err
		}
		select {
		case <-t.wanted: // maybe before this deadline was set
			return nil, errWanted
		default:
		}
		var m message
		err := t.dec.Decode(&m)
		switch {
		case errors.Is(err, os.ErrDeadlineExceeded):
			t.rewind()
			select {
			case <-t.wanted:
				return nil, errWanted
			default:
				return nil, nil
			}
		case err != nil:
			return nil, err
		}
		t.left = maxMessage
		switch {
		case m.Method == "echo":
			if err := t.echo(m); err != nil {
				return nil, err
			}
		case m.Method == "" && id != "" && string(m.ID) == id:
			return &m, nil
		}
	}
	return nil, fmt.Errorf("it has sent %d messages that nobody asked for", maxMessages)
}

// echo answers an echo request: that we are alive.
func (t *talk) echo(m message) error {
	reply, err := json.Marshal(map[string]any{"id": m.ID, "result": m.Params, "error": nil})
	if err != nil {
		return err
	}
	return t.send(string(reply))
}

func (t *talk) send(text string) error {
	if err := t.conn.SetWriteDeadline(time.Now().Add(writeTimeout)); err != nil {
		return err
	}
	_, err := io.WriteString(t.conn, text)
	return err
}

// rewind puts back what has been read of a message that is not complete.
func (t *talk) rewind() {
	if rest, err := io.ReadAll(t.dec.Buffered()); err == nil { // it reads from memory
		t.prefix = append(rest, t.prefix...)
	}
	t.dec = json.NewDecoder(&t.source)
}

// end gives up the connection with all that has not been handled.
func (t *talk) end() (*source, error) {
	t.rewind()
	return &source{conn: t.conn, prefix: t.prefix, left: unlimited}, t.conn.SetDeadline(time.Time{})
}

// source is what is to be read: what was put back, and what comes.
type source struct {
	conn   net.Conn
	prefix []byte
	left   int // what may be read from conn, in bytes; unlimited for all
}

const unlimited = -1

// Read implements io.Reader.
func (s *source) Read(b []byte) (int, error) {
	if len(s.prefix) > 0 {
		n := copy(b, s.prefix)
		s.prefix = s.prefix[n:]
		return n, nil
	}
	switch s.left {
	case unlimited:
		return s.conn.Read(b)
	case 0:
		return 0, fmt.Errorf("it has sent a message of more than %d bytes", maxMessage)
	}
	n, err := s.conn.Read(b[:min(len(b), s.left)])
	s.left -= n
	return n, err
}
