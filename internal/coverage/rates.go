package coverage

import "time"

const (
	interval         = 5 * time.Second // between samples
	samplesPerMinute = int(time.Minute / interval)
	minutesPerHour   = 60
)

// rates remembers how much a counter grew in each of the last samples and in each of the last minutes.
type rates struct {
	last    uint64 // total at the last sample
	samples [samplesPerMinute]uint64
	minutes [minutesPerHour]uint64
	n       int // samples taken
}

func (r *rates) sample(total uint64) {
	grown := total - r.last
	r.last = total
	i, m := r.n%samplesPerMinute, r.n/samplesPerMinute%minutesPerHour
	r.samples[i] = grown
	if i == 0 {
		r.minutes[m] = 0
	}
	r.minutes[m] += grown
	r.n++
}

// recent returns events per second in the last sample.
func (r *rates) recent() float64 {
	if r.n == 0 {
		return 0
	}
	return float64(r.samples[(r.n-1)%samplesPerMinute]) / interval.Seconds()
}

// minute and hour return events per second over that time; a program that is younger has had no events before.
func (r *rates) minute() float64 { return float64(sum(r.samples[:])) / time.Minute.Seconds() }
func (r *rates) hour() float64   { return float64(sum(r.minutes[:])) / time.Hour.Seconds() }

func sum(values []uint64) (total uint64) {
	for _, v := range values {
		total += v
	}
	return total
}
