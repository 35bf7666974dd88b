package testbed

// match gives each of n things one of m others that fits and is nobody else's: to as many as possible. others[i] is what i has got, -1 if it
// could be given none. Where i can have several it prefers one that likes(i, j). (Kuhn's algorithm: who came first makes room if it can.)
func match(n, m int, fits, likes func(i, j int) bool) (others []int) {
	others = make([]int, n)
	owner := make([]int, m)
	for j := range owner {
		owner[j] = -1
	}
	var tried []bool
	var give func(i int) bool
	give = func(i int) bool {
		for _, liked := range []bool{true, false} {
			for j := range m {
				if tried[j] || likes(i, j) != liked || !fits(i, j) {
					continue
				}
				tried[j] = true
				if owner[j] < 0 || give(owner[j]) {
					owner[j], others[i] = i, j
					return true
				}
			}
		}
		return false
	}
	for i := range n {
		others[i] = -1
		tried = make([]bool, m)
		give(i)
	}
	return others
}
