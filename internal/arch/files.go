package arch

import (
	"bytes"
	"fmt"
	"go/scanner"
	"go/token"
	"os"
	"regexp"
	"slices"
)

// maxLines is the size from which a hand-written file must be split.
const maxLines = 800

var (
	generatedMark = regexp.MustCompile(`(?m)^// Code generated .* DO NOT EDIT\.$`)
	unfinished    = regexp.MustCompile(`\b(TODO|FIXME|XXX|HACK)\b`)
)

// IsGenerated tells files that are written by a program, by the mark that the go command defines for them.
func IsGenerated(source []byte) bool { return generatedMark.Match(source) }

// CheckFiles returns what is wrong with hand-written files.
func CheckFiles(packages []Package) ([]string, error) {
	var bad []string
	for _, p := range packages {
		for _, name := range slices.Concat(p.Files, p.Tests) {
			source, err := os.ReadFile(name)
			if err != nil {
				return nil, err
			}
			if !IsGenerated(source) {
				bad = append(bad, checkFile(name, source)...)
			}
		}
	}
	return bad, nil
}

func checkFile(name string, source []byte) []string {
	var bad []string
	if n := bytes.Count(source, []byte("\n")); n > maxLines {
		bad = append(bad, fmt.Sprintf("%s has %d lines, more than %d: split it by ideas", name, n, maxLines))
	}
	var s scanner.Scanner
	fset := token.NewFileSet()
	s.Init(fset.AddFile(name, -1, len(source)), source, nil, scanner.ScanComments)
	for {
		pos, tok, text := s.Scan()
		if tok == token.EOF {
			return bad
		}
		if tok == token.COMMENT {
			if mark := unfinished.FindString(text); mark != "" {
				bad = append(bad, fmt.Sprintf("%s: %s: finish it, or refuse it by name and document that", fset.Position(pos), mark))
			}
		}
	}
}
