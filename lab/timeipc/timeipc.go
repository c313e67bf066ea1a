package timeipc

import (
	"context"
	"fmt"
	"slices"
	"sync"
)

// Config says how to measure. The zero value is right for most.
type Config struct {
	Rounds int      // 0: 41
	Calls  int      // in a round, of each case; 0: 400
	Pairs  int      // of teams that never spoke, in a round and a domain; 0: 10
	Serve  []string // arguments that make this program call Serve; what and where follow
}

// withDefaults returns c with what it says where it says nothing.
func (c Config) withDefaults() Config {
	for _, d := range []struct {
		field *int
		value int
	}{{&c.Rounds, 41}, {&c.Calls, 400}, {&c.Pairs, 10}} {
		if *d.field == 0 {
			*d.field = d.value
		}
	}
	return c
}

// Measure runs all cases and returns their rows. It starts processes and ends
// them before it returns. Cancelling ctx ends it between two cases.
func Measure(ctx context.Context, c Config) ([]Row, error) {
	b := &bench{config: c.withDefaults()}
	ctx, cancel := context.WithCancel(ctx)
	defer b.close()
	defer b.loops.Wait()
	defer cancel()
	if err := b.setUp(ctx); err != nil {
		return nil, fmt.Errorf("timeipc: %w", err)
	}
	for round := range b.config.Rounds + 1 {
		if err := b.round(ctx, round); err != nil {
			return nil, fmt.Errorf("timeipc: %w", err)
		}
	}
	return b.rows()
}

// bench is one measurement.
type bench struct {
	config  Config
	cases   []*testCase
	closers []func()
	loops   sync.WaitGroup
}

func (b *bench) close() {
	for _, f := range slices.Backward(b.closers) {
		f()
	}
}

// round measures each case once, in the order of the last round turned round; round
// 0 only warms up.
func (b *bench) round(ctx context.Context, round int) error {
	order := slices.Clone(b.cases)
	if round%2 == 1 {
		slices.Reverse(order)
	}
	for _, t := range order {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := t.round(); err != nil {
			return fmt.Errorf("%s: %w", t.name, err)
		}
	}
	if round == 0 {
		return nil
	}
	for _, t := range b.cases {
		t.medians = append(t.medians, percentile(t.times, 50))
		t.all = append(t.all, t.times...)
	}
	return nil
}

// rows returns what came out.
func (b *bench) rows() ([]Row, error) {
	var rows []Row
	for _, t := range b.cases {
		r := t.row()
		if !t.fresh {
			var err error
			if r.Allocs, err = t.allocations(); err != nil {
				return nil, fmt.Errorf("timeipc: %s: %w", t.name, err)
			}
		}
		rows = append(rows, r)
	}
	return rows, nil
}
