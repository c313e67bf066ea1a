package timeipc

import (
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
)

// Row is one line of the result. Times are in nanoseconds. In the rows of first
// requests they are by how much the first took longer than the second.
type Row struct {
	Case   string  `json:"case"`
	Octets int     `json:"octets"`
	Median int64   `json:"median_ns"` // of the rounds' medians
	Low    int64   `json:"low_ns"`    // 95 % interval of it
	High   int64   `json:"high_ns"`
	P99    int64   `json:"p99_ns"`
	Allocs float64 `json:"allocations"` // a transaction, in the client's program
	Ratios []Ratio `json:"ratios,omitempty"`
}

// Ratio compares a case with another: the median of the rounds' ratios.
type Ratio struct {
	To     string  `json:"to"`
	Median float64 `json:"median"`
	Low    float64 `json:"low"` // 95 % interval
	High   float64 `json:"high"`
}

// row returns what came out, but for the allocations.
func (t *testCase) row() Row {
	r := Row{Case: t.name, Octets: t.size, P99: int64(percentile(t.all, 99))}
	for _, y := range t.against {
		ratios := make([]float64, len(t.medians))
		for i, m := range t.medians {
			ratios[i] = float64(m) / float64(y.medians[i])
		}
		v := Ratio{To: y.name}
		v.Low, v.Median, v.High = interval(ratios)
		r.Ratios = append(r.Ratios, v)
	}
	low, median, high := interval(t.medians)
	r.Low, r.Median, r.High = int64(low), int64(median), int64(high)
	return r
}

// percentile returns the value that p of 100 values do not exceed. It reorders d.
func percentile(d []time.Duration, p int) time.Duration {
	slices.Sort(d)
	return d[min(len(d)*p/100, len(d)-1)]
}

// interval returns the median of the values and the 95 % interval of it: as many
// values are left out at either end as the binomial distribution allows. Of fewer
// than six none is, and it is less sure.
func interval[T ~int64 | ~float64](values []T) (low, median, high T) {
	s := slices.Sorted(slices.Values(values))
	n := len(s)
	out := 0
	one := math.Pow(0.5, float64(n)) // chance that so many values are below the true median
	for both := 2 * one; both <= 0.05; both += 2 * one {
		one *= float64(n-out) / float64(out+1)
		out++
	}
	out = max(out-1, 0)
	return s[out], s[n/2], s[n-1-out]
}

// Print writes rows as a table.
func Print(w io.Writer, rows []Row) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "case\toctets\tmedian\t95 % interval\t99th\tallocations\tratio\t")
	for _, r := range rows {
		var ratios []string
		for _, v := range r.Ratios {
			ratios = append(ratios, fmt.Sprintf("%.2f (%.2f–%.2f) × %s", v.Median, v.Low, v.High, v.To))
		}
		fmt.Fprintf(t, "%s\t%d\t%.2f µs\t%.2f–%.2f\t%.1f µs\t%.1f\t%s\t\n", r.Case, r.Octets,
			micros(r.Median), micros(r.Low), micros(r.High), micros(r.P99), r.Allocs, strings.Join(ratios, "; "))
	}
	return t.Flush()
}

func micros(ns int64) float64 { return float64(ns) / 1000 }
