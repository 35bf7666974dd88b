package idl_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sluice-gw/sluice/internal/ovsdb"
	"github.com/sluice-gw/sluice/internal/ovsdb/idl"
)

// A server that does not know a monitor method is asked with an older one.
func TestOlderMonitorMethods(t *testing.T) {
	where := map[string][]idl.Condition{"Item": {{Column: "name", Op: "==", Value: "a"}}}
	for _, test := range []struct {
		method, updates, notification string
		want                          []string
	}{
		{
			"monitor_cond_since",
			`[false,"` + txn1 + `",{"Item":{"` + idA + `":{"initial":{"name":"a","ints":["set",[1,2]]}}}}]`,
			`{"method":"update3","params":["data","` + txn2 + `",{"Item":{"` + idA + `":{"modify":{"ints":["set",[2,3]]}}}}],"id":null}`,
			[]string{`monitor_cond_since["Everything","data",{"Item":[{"columns":["name","ints"],"where":[["name","==","a"]]}]},"00000000-0000-0000-0000-000000000000"]`},
		},
		{
			"monitor_cond",
			`{"Item":{"` + idA + `":{"initial":{"name":"a","ints":["set",[1,2]]}}}}`,
			`{"method":"update2","params":["data",{"Item":{"` + idA + `":{"modify":{"ints":["set",[2,3]]}}}}],"id":null}`,
			[]string{`monitor_cond["Everything","data",{"Item":[{"columns":["name","ints"],"where":[["name","==","a"]]}]}]`},
		},
		{
			"monitor",
			`{"Item":{"` + idA + `":{"new":{"name":"a","ints":["set",[1,2]]}}}}`,
			`{"method":"update","params":["data",{"Item":{"` + idA + `":{"old":{"ints":["set",[1,2]]},"new":{"name":"a","ints":["set",[1,3]]}}}}],"id":null}`,
			[]string{`monitor["Everything","data",{"Item":[{"columns":["name","ints"]}]}]`},
		},
	} {
		t.Run(test.method, func(t *testing.T) {
			f := startFake(t, func(method string, params []json.RawMessage) string {
				switch method {
				case "get_schema":
					return itemSchema
				case test.method:
					if string(params[0]) == `"Everything"` {
						return result(test.updates)
					}
				}
				return unknownMethod
			})
			o := start(t, idl.Config{SessionConfig: ovsdb.SessionConfig{Remote: f.remote}, Conditions: where})
			o.until("the first rows", func() bool { return o.item("a") != nil })
			if diff := cmp.Diff([]int64{1, 2}, o.item("a").Ints); diff != "" {
				t.Error(diff)
			}
			f.say(test.notification)
			o.until("the update", func() bool { return len(o.seen) == 2 })
			if diff := cmp.Diff([]int64{1, 3}, o.item("a").Ints); diff != "" {
				t.Error(diff)
			}
			asked := f.asked(test.method)
			if diff := cmp.Diff(test.want, asked[len(asked)-1:]); diff != "" {
				t.Error(diff)
			}
			// Whatever the server can, a new set of conditions is acknowledged.
			if test.method == "monitor" {
				seq := o.SetConditions(nil)
				o.until("the conditions", func() bool { return o.State().Conditions == seq })
			}
			if s := o.State(); !s.Connected || s.Schema != "0.9.0" || s.Remote != f.remote || s.Counters.FullReads != 1 || len(s.Missing) == 0 {
				t.Errorf("state %+v", s)
			}
		})
	}
}

// A server that refuses the monitor request for a reason of its own is left,
// and State has its words.
func TestMonitorRefused(t *testing.T) {
	f := startFake(t, func(method string, _ []json.RawMessage) string {
		switch method {
		case "get_schema":
			return itemSchema
		case "monitor_cond_since":
			return `"error":{"error":"syntax error","details":"no column ints"}`
		}
		return unknownMethod
	})
	o := follow(t, f.remote)
	o.until("the refusal", func() bool { return o.State().Err != nil })
	var rpc *ovsdb.RPCError
	if err := o.State().Err; !errors.As(err, &rpc) || !strings.Contains(err.Error(), "no column ints") {
		t.Errorf("error %v", err)
	}
}

// If an update does not fit the tables everything is read again, and the
// difference is told.
func TestResync(t *testing.T) {
	t.Parallel()
	var reads atomic.Int32
	f := startFake(t, func(method string, params []json.RawMessage) string {
		switch {
		case method == "get_schema":
			return itemSchema
		case method == "monitor_cond_since" && reads.Add(1) == 1:
			return result(`[false,"` + txn1 + `",{"Item":{"` + idA + `":{"initial":{"name":"a"}}}}]`)
		case method == "monitor_cond_since":
			return result(`[false,"` + txn2 + `",{"Item":{"` + idA + `":{"initial":{"name":"a"}},"` + idB + `":{"initial":{"name":"b"}}}}]`)
		}
		return unknownMethod
	})
	o := follow(t, f.remote)
	o.until("the first rows", func() bool { return o.item("a") != nil })
	f.say(`{"method":"update3","params":["data","` + txn2 + `",{"Item":{"` + idB + `":{"modify":{"ints":5}}}}],"id":null}`)
	o.until("the second read", func() bool { return o.item("b") != nil })
	last := o.seen[len(o.seen)-1]
	if !last.Initial || len(last.Item) != 1 || last.Item[0].New.Name != "b" {
		t.Errorf("the second read gave %+v", last)
	}
	asked := f.asked("monitor_cond_since")
	if len(asked) != 2 || !strings.Contains(asked[1], `"00000000-0000-0000-0000-000000000000"]`) {
		t.Errorf("asked %q", asked)
	}
}

// If soon afterwards an update does not fit again, everything is read once more when the
// pause is over.
func TestResyncAgain(t *testing.T) {
	t.Parallel()
	var reads atomic.Int32
	f := startFake(t, func(method string, params []json.RawMessage) string {
		switch method {
		case "get_schema":
			return itemSchema
		case "monitor_cond_since":
			return result(fmt.Sprintf(`[false,"%s",{"Item":{"%s":{"initial":{"name":"read%d"}}}}]`, txn1, idA, reads.Add(1)))
		}
		return unknownMethod
	})
	o := start(t, idl.Config{SessionConfig: ovsdb.SessionConfig{Remote: f.remote}})
	o.SetDistrustPause(500 * time.Millisecond)
	o.until("the first rows", func() bool { return o.item("read1") != nil })
	const misfit = `{"method":"update3","params":["data","` + txn2 + `",{"Item":{"` + idB + `":{"modify":{"ints":5}}}}],"id":null}`
	f.say(misfit)
	o.until("the second read", func() bool { return o.item("read2") != nil })
	f.say(misfit)
	o.until("the misfit", func() bool { return o.State().Counters.OutOfStep == 2 })
	o.until("the third read", func() bool { return o.item("read3") != nil })
	if n := o.State().Counters.FullReads; n != 3 {
		t.Errorf("%d complete reads", n)
	}
}

// What a server answers to a resumed request is applied to what is there.
func TestResumeFound(t *testing.T) {
	t.Parallel()
	f := startFake(t, func(method string, params []json.RawMessage) string {
		switch {
		case method == "get_schema":
			return itemSchema
		case method == "monitor_cond_since" && strings.Contains(string(params[3]), txn1):
			return result(`[true,"` + txn2 + `",{"Item":{"` + idB + `":{"insert":{"name":"b"}}}}]`)
		case method == "monitor_cond_since":
			return result(`[false,"` + txn1 + `",{"Item":{"` + idA + `":{"initial":{"name":"a"}}}}]`)
		}
		return unknownMethod
	})
	o := follow(t, f.remote)
	o.until("the first rows", func() bool { return o.item("a") != nil })
	f.say(`{"method":"monitor_canceled","params":["data"],"id":null}`)
	o.until("the resumption", func() bool { return o.item("b") != nil })
	if s := o.State(); o.item("a") == nil || s.Counters.Resumes != 1 || s.Counters.FullReads != 1 {
		t.Errorf("a is %v, state %+v", o.item("a"), s)
	}
	if c := o.seen[len(o.seen)-1]; c.Initial || c.TxnID.String() != txn2 {
		t.Errorf("the resumption gave %+v", c.Info)
	}
}

// If the connection breaks while conditions are on their way, nobody knows what
// rows they brought: everything is read again, under the new conditions.
func TestConditionsInFlight(t *testing.T) {
	t.Parallel()
	f := startFake(t, func(method string, params []json.RawMessage) string {
		switch method {
		case "get_schema":
			return itemSchema
		case "monitor_cond_since":
			return result(`[false,"` + txn1 + `",{"Item":{"` + idA + `":{"initial":{"name":"a"}}}}]`)
		case "monitor_cond_change":
			return "" // never answered
		}
		return unknownMethod
	})
	o := follow(t, f.remote)
	o.until("the first rows", func() bool { return o.item("a") != nil })
	seq := o.SetConditions(map[string][]idl.Condition{"Item": {{Column: "name", Op: "==", Value: "a"}}})
	later := o.SetConditions(map[string][]idl.Condition{"Item": {}})
	if seq != 1 || later != 2 {
		t.Errorf("sequences %d, %d", seq, later)
	}
	f.say(`{"method":"monitor_canceled","params":["data"],"id":null}`)
	o.until("the conditions", func() bool { return o.State().Conditions == later })
	asked := f.asked("monitor_cond_since")
	if len(asked) != 2 || !strings.HasSuffix(asked[1], `"where":[false]}]},"00000000-0000-0000-0000-000000000000"]`) {
		t.Errorf("asked %q", asked)
	}
}

// Locks are asked for on each connection, and lost with it.
func TestLocks(t *testing.T) {
	t.Parallel()
	f := startFake(t, func(method string, params []json.RawMessage) string {
		switch method {
		case "get_schema":
			return itemSchema
		case "monitor_cond_since":
			return result(`[false,"` + txn1 + `",{}]`)
		case "lock":
			return result(`{"locked":` + strconv.FormatBool(string(params[0]) == `"free"`) + `}`)
		case "steal":
			return result(`{"locked":true}`)
		case "unlock":
			return result(`{}`)
		}
		return unknownMethod
	})
	o := follow(t, f.remote)
	o.Lock("l")
	o.until("the connection", o.connected)
	if o.Holds("l") {
		t.Error("we hold a lock that the server refused")
	}
	f.afterReply("lock", 1)
	f.say(`{"method":"locked","params":["l"],"id":null}`)
	o.until("the lock", func() bool { return o.Holds("l") })
	f.say(`{"method":"stolen","params":["l"],"id":null}`)
	o.until("the theft", func() bool { return !o.Holds("l") })
	o.Steal("l")
	o.until("our theft", func() bool { return o.Holds("l") })
	f.say(`{"method":"monitor_canceled","params":["data"],"id":null}`)
	o.until("the loss", func() bool { return !o.Holds("l") })
	o.until("the connection", func() bool { return o.State().Counters.Connects == 2 })
	f.afterReply("lock", 2)
	f.say(`{"method":"locked","params":["l"],"id":null}`)
	o.until("the lock", func() bool { return o.Holds("l") })
	o.Unlock("l")
	f.say(`{"method":"locked","params":["l"],"id":null}`) // crosses our unlock
	o.Lock("free")
	o.until("another lock", func() bool { return o.Holds("free") })
	if o.Holds("l") {
		t.Error("we hold a lock that we gave up")
	}
	if got, want := f.asked("lock"), []string{`lock["l"]`, `lock["l"]`, `lock["free"]`}; !slices.Equal(got, want) {
		t.Errorf("asked %q", got)
	}
	if got := f.asked("unlock"); !slices.Equal(got, []string{`unlock["l"]`}) {
		t.Errorf("asked %q", got)
	}
}

// A transaction that the server did not execute because it is the wrong one is
// sent again; one whose result got lost is not.
func TestTransactionFaults(t *testing.T) {
	t.Parallel()
	var n atomic.Int32
	answers := []string{`"error":"canceled"`, result(`[{"count":1}]`), `"error":"permission error"`, "", result(`[{"count":2}]`)}
	var f *fakeServer
	f = startFake(t, func(method string, params []json.RawMessage) string {
		switch method {
		case "get_schema":
			return itemSchema
		case "monitor_cond_since":
			return result(`[false,"` + txn1 + `",{}]`)
		case "transact":
			answer := answers[n.Add(1)-1]
			if answer == "" {
				f.say(`{"method":"monitor_canceled","params":["data"],"id":null}`)
			}
			return answer
		}
		return unknownMethod
	})
	o := follow(t, f.remote)
	tx := func() *idl.Tx {
		var tx idl.Tx
		tx.Delete("Item", ovsdb.NewUUID())
		return &tx
	}
	if res := o.commit(tx()); res.Err != nil || res.Ops[0].Count != 1 || n.Load() != 2 {
		t.Errorf("after a cancellation: %+v, %d requests", res, n.Load())
	}
	var rpc *ovsdb.RPCError
	if res := o.commit(tx()); !errors.As(res.Err, &rpc) || rpc.Text != "permission error" {
		t.Errorf("after a refusal: %v", res.Err)
	}
	if res := o.commit(tx()); !errors.Is(res.Err, idl.ErrUnknownOutcome) {
		t.Errorf("after a lost connection: %v", res.Err)
	}
	if res := o.commit(tx()); res.Err != nil || res.Ops[0].Count != 2 || n.Load() != 5 {
		t.Errorf("at the end: %+v, %d requests", res, n.Load())
	}
}
