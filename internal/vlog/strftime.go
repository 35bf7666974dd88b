package vlog

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// layouts maps the conversions of strftime(3) that the C locale and Go express alike to Go's layouts.
var layouts = map[byte]string{
	'a': "Mon", 'A': "Monday", 'b': "Jan", 'h': "Jan", 'B': "January",
	'Y': "2006", 'y': "06", 'm': "01", 'd': "02", 'e': "_2", 'j': "002",
	'H': "15", 'I': "03", 'M': "04", 'S': "05", 'p': "PM",
	'z': "-0700", 'Z': "MST",
	'F': "2006-01-02", 'T': "15:04:05", 'R': "15:04", 'D': "01/02/06",
}

// checkTimeFormat refuses a strftime format that appendTime cannot print.
func checkTimeFormat(format string) error {
	for i := 0; i < len(format); i++ {
		if format[i] != '%' {
			continue
		}
		if i++; i == len(format) {
			return fmt.Errorf("time format %q ends inside a conversion", format)
		}
		if c := format[i]; layouts[c] == "" && c != '%' && c != 's' {
			return fmt.Errorf("time format %q: conversion %%%c is not supported", format, c)
		}
	}
	return nil
}

// appendTime prints t by a strftime format in which a run of # stands for as many digits of the fraction of the second.
func appendTime(b []byte, format string, t time.Time) []byte {
	for i := 0; i < len(format); i++ {
		switch c := format[i]; {
		case c == '#':
			run := i
			for run < len(format) && format[run] == '#' {
				run++
			}
			b = append(b, fraction(t, run-i)...)
			i = run - 1
		case c != '%' || i+1 == len(format):
			b = append(b, c)
		default:
			i++
			switch format[i] {
			case '%':
				b = append(b, '%')
			case 's':
				b = strconv.AppendInt(b, t.Unix(), 10)
			default:
				b = t.AppendFormat(b, layouts[format[i]])
			}
		}
	}
	return b
}

// fraction returns the milliseconds of t as n digits: the C programs know no finer time.
func fraction(t time.Time, n int) string {
	ms := fmt.Sprintf("%03d", t.Nanosecond()/int(time.Millisecond))
	if n > len(ms) {
		return ms + strings.Repeat("0", n-len(ms))
	}
	return ms[:n]
}
