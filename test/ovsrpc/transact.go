package ovsrpc

import (
	"encoding/json"
	"fmt"
)

// Op is an operation of a transaction (RFC 7047 section 5.2).
type Op map[string]any

// Insert makes an operation that inserts a row; name is what Named refers to it by in the same transaction.
func Insert(table, name string, row map[string]any) Op {
	return Op{"op": "insert", "table": table, "uuid-name": name, "row": row}
}

// Update makes an operation that overwrites columns of the rows whose column equals value.
func Update(table, column string, value any, row map[string]any) Op {
	return Op{"op": "update", "table": table, "where": []any{[]any{column, "==", value}}, "row": row}
}

// Mutate makes an operation that changes one column of the rows whose where column equals value; a nil value means all rows.
func Mutate(table, where string, value any, column, mutator string, argument any) Op {
	condition := []any{}
	if value != nil {
		condition = append(condition, []any{where, "==", value})
	}
	return Op{"op": "mutate", "table": table, "where": condition, "mutations": []any{[]any{column, mutator, argument}}}
}

// Select makes an operation that reads columns of all rows.
func Select(table string, columns ...string) Op {
	return Op{"op": "select", "table": table, "where": []any{}, "columns": columns}
}

// Named refers to a row that the same transaction inserts.
func Named(name string) any { return []any{"named-uuid", name} }

// UUID refers to an existing row.
func UUID(id string) any { return []any{"uuid", id} }

// Set makes an OVSDB set.
func Set[T any](elements ...T) any {
	if elements == nil {
		elements = []T{}
	}
	return []any{"set", elements}
}

// Map makes an OVSDB map.
func Map(m map[string]string) any {
	pairs := [][2]string{}
	for k, v := range m {
		pairs = append(pairs, [2]string{k, v})
	}
	return []any{"map", pairs}
}

// OpResult is what the server answers to one operation.
type OpResult struct {
	UUID    []string `json:"uuid"` // of an inserted row: "uuid" and the value
	Rows    []Row    `json:"rows"` // of a select
	Count   int      `json:"count"`
	Error   string   `json:"error"`
	Details string   `json:"details"`
}

// Transact runs the operations as one transaction. The error of one that fails has the server's words.
func (c *Client) Transact(ops ...Op) ([]OpResult, error) {
	params := []any{c.db}
	for _, op := range ops {
		params = append(params, op)
	}
	raw, err := c.call(nil, "transact", params...)
	if err != nil {
		return nil, err
	}
	var results []OpResult
	if err := json.Unmarshal(raw, &results); err != nil {
		return nil, fmt.Errorf("transact: reply: %w", err)
	}
	for i, r := range results {
		if r.Error != "" {
			what := "commit"
			if i < len(ops) {
				what = fmt.Sprintf("operation %d (%v of %v)", i, ops[i]["op"], ops[i]["table"])
			}
			return nil, fmt.Errorf("transact: %s: %s: %s", what, r.Error, r.Details)
		}
	}
	return results, nil
}
