package config

import (
	"fmt"
	"reflect"
)

func (c *Config) refuse(format string, args ...any) {
	c.Problems = append(c.Problems, fmt.Sprintf(format, args...))
}

// Equal tells whether two configurations are the same.
func (c *Config) Equal(o *Config) bool { return reflect.DeepEqual(c, o) }
