package unixctl

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// request is a JSON-RPC 1.0 request. result and error are there to recognise what is not a request.
type request struct {
	ID     json.RawMessage   `json:"id"`
	Method *string           `json:"method"`
	Params []json.RawMessage `json:"params"`
	Result json.RawMessage   `json:"result"`
	Error  json.RawMessage   `json:"error"`
}

// reply is a JSON-RPC 1.0 response: exactly one of Result and Error is not null.
type reply struct {
	ID     json.RawMessage `json:"id"`
	Result any             `json:"result"`
	Error  any             `json:"error"`
}

// maxMessage bounds a message, so that a client cannot make the program buffer without end. The longest arguments in
// use are packets written as text (inject-pkt): some kilobytes. Replies to Call (flow dumps) may be longer.
const (
	maxRequest = 1 << 20
	maxReply   = 1 << 30
)

var errTooLong = errors.New("message is too long")

// reader decodes messages of bounded length from a stream.
type reader struct {
	limited limitedReader
	decoder *json.Decoder
	max     int
}

func newReader(r io.Reader, maxMessage int) *reader {
	d := &reader{limited: limitedReader{r: r}, max: maxMessage}
	d.decoder = json.NewDecoder(&d.limited)
	return d
}

func (r *reader) next(v any) error {
	r.limited.left = r.max
	return r.decoder.Decode(v)
}

type limitedReader struct {
	r    io.Reader
	left int
}

func (l *limitedReader) Read(p []byte) (int, error) {
	if l.left <= 0 {
		return 0, errTooLong
	}
	n, err := l.r.Read(p[:min(len(p), l.left)])
	l.left -= n
	return n, err
}

// check says what is wrong with a message that should be a request, nil if nothing is.
func (r *request) check() error {
	isNull := func(m json.RawMessage) bool { return len(m) == 0 || string(m) == "null" }
	switch {
	case !isNull(r.Error):
		return errors.New("received unexpected error message")
	case !isNull(r.Result):
		return errors.New("received unexpected reply message")
	case r.Method == nil:
		return errors.New("received bad JSON-RPC message: it has no method")
	case r.Params == nil:
		return errors.New("received bad JSON-RPC message: its params are no array")
	case isNull(r.ID):
		return errors.New("received unexpected notification message")
	}
	return nil
}

// args returns the arguments, which must be strings.
func (r *request) args() ([]string, error) {
	args := make([]string, len(r.Params))
	for i, p := range r.Params {
		// Not into the string directly: null would leave it empty.
		var v any
		if err := json.Unmarshal(p, &v); err != nil {
			return nil, err
		}
		s, ok := v.(string)
		if !ok {
			return nil, fmt.Errorf("\"%s\" command has non-string argument", *r.Method)
		}
		args[i] = s
	}
	return args, nil
}
