package cpio

import (
	"bytes"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// The bytes of a small archive, as the kernel's document describes them.
func TestBytes(t *testing.T) {
	var out bytes.Buffer
	w := NewWriter(&out)
	w.File("/a/b", 0o644, 5, strings.NewReader("hello"))
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	zero := strings.Repeat("00000000", 4)
	want := "070701" + "00000001" + "000041ED" + "0000000000000000" + "00000001" + "00000000" + "00000000" + zero + "00000002" + "00000000" + "a\x00" +
		"070701" + "00000002" + "000081A4" + "0000000000000000" + "00000001" + "00000000" + "00000005" + zero + "00000004" + "00000000" + "a/b\x00\x00\x00" +
		"hello\x00\x00\x00" +
		"070701" + "00000002" + "00000000" + "0000000000000000" + "00000001" + "00000000" + "00000000" + zero + "0000000B" + "00000000" + "TRAILER!!!\x00\x00\x00\x00"
	if got := out.String(); got != want {
		t.Errorf("got\n%q\nwant\n%q", got, want)
	}
}

// What a reader finds in an archive, entry by entry: parents come before what they hold, and each name comes once.
func TestEntries(t *testing.T) {
	var out bytes.Buffer
	w := NewWriter(&out)
	w.Dir("dev")
	w.Dir("dev")
	w.File("usr/bin/x", 0o755, 3, strings.NewReader("#!x"))
	w.Symlink("/bin/x", "/usr/bin/x")
	if !w.Has("/usr/bin") || !w.Has("bin/x") || w.Has("x") {
		t.Error("Has does not know what is there")
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	want := []string{"40755 dev ", "40755 usr ", "40755 usr/bin ", "100755 usr/bin/x #!x", "40755 bin ", "120777 bin/x /usr/bin/x", "0 TRAILER!!! "}
	if got := entries(t, out.Bytes()); !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

// entries reads an archive: the octal mode, name and content of each entry.
func entries(t *testing.T, b []byte) (all []string) {
	t.Helper()
	for at := 0; at < len(b); {
		number := func(field int) int {
			n, err := strconv.ParseInt(string(b[at+6+8*field:at+14+8*field]), 16, 64)
			if err != nil {
				t.Fatalf("header at %d: %v", at, err)
			}
			return int(n)
		}
		const headerSize = 6 + 13*8
		mode, size, name := number(1), number(6), number(11)
		text := b[at+headerSize : at+headerSize+name-1]
		body := (at + headerSize + name + 3) &^ 3
		all = append(all, fmt.Sprintf("%o %s %s", mode, text, b[body:body+size]))
		at = (body + size + 3) &^ 3
	}
	return all
}

func TestRefused(t *testing.T) {
	for name, add := range map[string]func(*Writer){
		"added twice":     func(w *Writer) { w.Symlink("a", "b"); w.Symlink("/a", "c") },
		"is added twice":  func(w *Writer) { w.Dir("a"); w.Symlink("a", "c") },
		"4 GiB":           func(w *Writer) { w.File("a", 0o644, 1<<32, strings.NewReader("")) },
		"announced 3":     func(w *Writer) { w.File("a", 0o644, 3, strings.NewReader("hello")) },
		"the announced 9": func(w *Writer) { w.File("a", 0o644, 9, strings.NewReader("hello")) },
	} {
		var out bytes.Buffer
		w := NewWriter(&out)
		add(w)
		w.Dir("later")
		if err := w.Close(); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: got error %v", name, err)
		}
	}
}
