package vmtp

import (
	"testing"
	"time"
)

func TestTC2(t *testing.T) {
	for _, tt := range []struct {
		name    string
		samples []time.Duration
		least   time.Duration
		most    time.Duration
	}{
		{"unknown", nil, firstTC2, firstTC2},
		{"a fast path is not asked too soon", []time.Duration{time.Microsecond, time.Microsecond, time.Microsecond}, minTC2, minTC2},
		{"one sample counts with twice its size for deviation", []time.Duration{50 * time.Millisecond}, 150 * time.Millisecond, 150 * time.Millisecond},
		{"a steady path comes near its time", repeat(50*time.Millisecond, 50), 50 * time.Millisecond, 60 * time.Millisecond},
		{"an uneven one keeps a distance", []time.Duration{20e6, 80e6, 20e6, 80e6, 20e6, 80e6, 20e6, 80e6}, 120e6, 250e6},
		{"a server that thinks for an hour", []time.Duration{time.Hour}, maxTC2, maxTC2},
		{"an answer before the question", []time.Duration{-5}, minTC2, minTC2},
	} {
		var p peer
		for _, s := range tt.samples {
			p.sample(s)
		}
		if got := p.tc2(); got < tt.least || got > tt.most {
			t.Errorf("%s: TC2 is %v, want %v to %v", tt.name, got, tt.least, tt.most)
		}
	}
}

// One server that thinks for an hour must not make a fast path slow for long.
func TestTC2Recovers(t *testing.T) {
	var p peer
	for _, s := range append([]time.Duration{time.Hour}, repeat(time.Millisecond, 60)...) {
		p.sample(s)
	}
	if got := p.tc2(); got > 20*time.Millisecond {
		t.Errorf("after 60 fast answers TC2 is %v", got)
	}
}

func repeat(d time.Duration, n int) (out []time.Duration) {
	for range n {
		out = append(out, d)
	}
	return out
}
