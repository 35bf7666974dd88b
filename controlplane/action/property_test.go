package action

import (
	"net/netip"
	"reflect"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/sluice-gw/sluice/controlplane/expr"
	"github.com/sluice-gw/sluice/controlplane/ir"
)

// anywhere compares actions wherever they are in their text.
var anywhere = cmp.Options{cmp.Exporter(func(reflect.Type) bool { return true }), cmpopts.IgnoreFields(list{}, "columns"),
	cmpopts.IgnoreFields(expr.Operand{}, "Column"), cmp.Comparer(func(a, b *expr.Symbol) bool { return a == b }),
	cmp.Comparer(func(a, b netip.Addr) bool { return a == b })}

// Any actions, written as text and parsed, are the same actions.
func TestFormatParse(t *testing.T) {
	ps := testParser(t)
	rapid.Check(t, func(t *rapid.T) {
		want := gen{t, ps}.list(2)
		text := (&Actions{list: want}).String()
		got, err := ps.Parse(text)
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		if diff := cmp.Diff(want, got.list, anywhere); diff != "" {
			t.Fatalf("%s is parsed as %s, -want +got:\n%s", text, got, diff)
		}
	})
}

// Where a logical flow stands, the canonical text means the same as the given one.
func TestFormatAtPosition(t *testing.T) {
	ps := testParser(t)
	rapid.Check(t, func(t *rapid.T) {
		a := &Actions{list: gen{t, ps}.list(2)}
		env := switchEnv()
		env.Ingress = rapid.Bool().Draw(t, "ingress")
		env.IngressLen, env.EgressLen = 0, 0
		text := a.Format(Position{env.Ingress, env.Table})
		again, err := ps.Parse(text)
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		want, _, err := a.Lower(env)
		if err != nil {
			t.Skip("cannot be lowered:", err)
		}
		got, _, err := again.Lower(env)
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Fatalf("%s: got %v, %v, want %v", text, got, err, want)
		}
	})
}

// What lowering makes is well-formed: constants and copies fit, what is saved for
// the sake of a side table is restored, and the text of ir can express it.
func TestLowerWellFormed(t *testing.T) {
	ps := testParser(t)
	rapid.Check(t, func(t *rapid.T) {
		a := &Actions{list: gen{t, ps}.list(2)}
		env := switchEnv()
		env.Switch = rapid.Bool().Draw(t, "switch")
		ops, _, err := a.Lower(env)
		if err != nil {
			t.Skip("cannot be lowered:", err)
		}
		checkOps(t, ops)
		prog := ir.NewProgram(ops...)
		again, err := ir.ParseProgram(prog.String())
		if err != nil || again.String() != prog.String() {
			t.Fatalf("%s: %v, %v", prog, again, err)
		}
	})
}

func checkOps(t *rapid.T, ops []ir.Op) {
	for _, op := range ops {
		switch o := op.(type) {
		case ir.Set:
			if o.Value.Len() > int(o.Dst.N) || int(o.Dst.Ofs)+int(o.Dst.N) > o.Dst.Field.Width() {
				t.Fatalf("%s does not fit", o.AppendText(nil))
			}
		case ir.Copy:
			if o.Dst.N != o.Src.N {
				t.Fatalf("%s: widths differ", o.AppendText(nil))
			}
		case ir.Clone:
			checkOps(t, o.Ops)
		case ir.Punt:
			checkOps(t, o.Inner)
			if o.Result.Field != ir.FieldNone && (!o.Pause || o.Result.N != 1) {
				t.Fatalf("%s: bad result", o.AppendText(nil))
			}
		case ir.Select:
			for _, k := range o.Buckets {
				checkOps(t, k.Ops)
			}
		case ir.CT:
			checkOps(t, o.Exec)
		}
	}
}

// Side tables leave the stack as it was, whatever their arguments.
func TestStackBalance(t *testing.T) {
	ps := testParser(t)
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.SampledFrom([]func() node{gen{t, ps}.lookup, gen{t, ps}.question}).Draw(t, "kind")()
		ops, _, err := (&Actions{list: list{nodes: []node{n}}}).Lower(switchEnv())
		if err != nil {
			t.Fatal(err)
		}
		var widths []uint8
		for _, op := range ops {
			switch o := op.(type) {
			case ir.Push:
				widths = append(widths, o.Src.N)
			case ir.Pop:
				if len(widths) == 0 || widths[len(widths)-1] != o.Dst.N {
					t.Fatalf("%s: pop without its push", ir.NewProgram(ops...))
				}
				widths = widths[:len(widths)-1]
			}
		}
		if len(widths) != 0 {
			t.Fatalf("%s: %d values stay on the stack", ir.NewProgram(ops...), len(widths))
		}
	})
}
