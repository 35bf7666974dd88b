package schema

import (
	"encoding/json"
	"fmt"
)

// parseType reads a <type>: an atomic type's name, or an object.
func parseType(text json.RawMessage) (Column, error) {
	c := Column{Min: 1, Max: 1}
	if kind, ok := parseName(text); ok {
		c.Key = kind
		return c, nil
	}
	var in struct {
		Key   json.RawMessage `json:"key"`
		Value json.RawMessage `json:"value"`
		Min   *int            `json:"min"`
		Max   json.RawMessage `json:"max"`
	}
	if err := json.Unmarshal(text, &in); err != nil {
		return Column{}, fmt.Errorf("type: %w", err)
	}
	var err error
	if c.Key, err = parseBase(in.Key); err != nil {
		return Column{}, fmt.Errorf("key: %w", err)
	}
	if in.Value != nil {
		if c.Value, err = parseBase(in.Value); err != nil {
			return Column{}, fmt.Errorf("value: %w", err)
		}
	}
	if in.Min != nil {
		c.Min = *in.Min
	}
	if in.Max != nil {
		if c.Max, err = parseMax(in.Max); err != nil {
			return Column{}, err
		}
	}
	return c, nil
}

func parseMax(text json.RawMessage) (int, error) {
	var n int
	if err := json.Unmarshal(text, &n); err == nil && n >= 1 {
		return n, nil
	}
	if string(text) == `"unlimited"` {
		return Unlimited, nil
	}
	return 0, fmt.Errorf(`max: expected a number from 1 or "unlimited", got %s`, text)
}

// parseBase reads a <base-type>: an atomic type's name, or an object that adds
// constraints, which the server enforces and a client does not need.
func parseBase(text json.RawMessage) (Kind, error) {
	if kind, ok := parseName(text); ok {
		return kind, nil
	}
	var in struct {
		Type json.RawMessage `json:"type"`
	}
	if err := json.Unmarshal(text, &in); err != nil {
		return None, fmt.Errorf("base type: %w", err)
	}
	if kind, ok := parseName(in.Type); ok {
		return kind, nil
	}
	return None, fmt.Errorf("%q is not an atomic type", in.Type)
}

func parseName(text json.RawMessage) (Kind, bool) {
	var s string
	if json.Unmarshal(text, &s) != nil {
		return None, false
	}
	switch k := Kind(s); k {
	case Integer, Real, Boolean, String, UUID:
		return k, true
	}
	return None, false
}
