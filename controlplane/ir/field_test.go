package ir_test

import (
	"testing"

	"github.com/sluice-gw/sluice/controlplane/ir"
)

func TestFields(t *testing.T) {
	for f := ir.FieldNone + 1; f < ir.NumFields; f++ {
		info := f.Info()
		if info.Name == "" || info.Width < 1 || info.Width > 128 {
			t.Errorf("field %d: %+v", f, info)
		}
		if got, ok := ir.FieldByName(info.Name); !ok || got != f {
			t.Errorf("FieldByName(%s) = %s", info.Name, got)
		}
		parts := f.Parts()
		if info.View != (parts != nil) {
			t.Errorf("%s: view %t with parts %v", f, info.View, parts)
		}
		if info.View && info.Width != 32*len(parts) {
			t.Errorf("%s is %d bits wide but has %d registers", f, info.Width, len(parts))
		}
	}
	if ir.NumFields.String() != "?" {
		t.Error("a field that is none has a name")
	}
}

func TestSub(t *testing.T) {
	if s := ir.All(ir.IPDSCP); s.N != 6 || !s.Whole() || s.String() != "ip.dscp" {
		t.Errorf("All = %s", s)
	}
	for s, want := range map[ir.Sub]string{
		ir.Bits(ir.Reg0, 3, 1):   "reg0[3]",
		ir.Bits(ir.Reg0, 0, 16):  "reg0[0..15]",
		ir.Bits(ir.XXReg0, 0, 8): "xxreg0[0..7]",
	} {
		if s.String() != want || s.Whole() {
			t.Errorf("%s, want %s", s, want)
		}
	}
}
