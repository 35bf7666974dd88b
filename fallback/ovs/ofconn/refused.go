package ofconn

import (
	"context"
	"fmt"
	"strings"

	"github.com/sluice-gw/sluice/fallback/ovs/ofp"
)

// Refused is the error of Apply and Bundle: the messages that the switch refused.
type Refused struct {
	Messages []RefusedMessage
	// Other is an error about the bundle itself; nil when there is none, or when
	// Messages explain it.
	Other *ofp.Error
}

// RefusedMessage is a message that the switch refused, and its words.
type RefusedMessage struct {
	Index int // in what was sent, from 0
	Err   *ofp.Error
}

// Error implements error. It tells the first few.
func (r *Refused) Error() string {
	const shown = 3
	var b strings.Builder
	if len(r.Messages) == 0 {
		b.WriteString("ofconn: the switch refused the bundle")
	} else {
		fmt.Fprintf(&b, "ofconn: the switch refused %d messages", len(r.Messages))
	}
	for i, m := range r.Messages {
		if i == shown {
			b.WriteString("; ...")
			break
		}
		fmt.Fprintf(&b, "; number %d: %v", m.Index, m.Err)
	}
	if r.Other != nil {
		fmt.Fprintf(&b, "; %v", r.Other)
	}
	return b.String()
}

// Unwrap gives access to the switch's errors.
func (r *Refused) Unwrap() []error {
	var errs []error
	for _, m := range r.Messages {
		errs = append(errs, m.Err)
	}
	if r.Other != nil {
		errs = append(errs, r.Other)
	}
	return errs
}

func (r *Refused) orNil() error {
	if len(r.Messages) == 0 && r.Other == nil {
		return nil
	}
	return r
}

// until collects errors until the answer to the request xid arrives.
func (r *Refused) until(ctx context.Context, k *call, xid uint32) error {
	for {
		h, m, err := k.next(ctx)
		if err != nil {
			return err
		}
		e, isErr := m.(*ofp.Error)
		switch {
		case isErr && h.XID == xid:
			r.Other = e
			return nil
		case isErr:
			r.Messages = append(r.Messages, RefusedMessage{int(h.XID - k.first), e})
		case h.XID == xid:
			return nil
		}
	}
}
