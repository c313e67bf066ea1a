package process

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"vsys/ipc"
)

// What repeats itself is told once, the last time that it was, and what is told fits
// into a reply.
func TestLatest(t *testing.T) {
	start := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	at := func(n int) time.Time { return start.Add(time.Duration(n) * time.Minute) }
	list := Latest([]Trouble{
		{At: at(5), Kind: Refused, Host: "beta", Addr: "b", Text: "again"},
		{At: at(1), Kind: Refused, Host: "beta", Addr: "b", Text: "first"},
		{At: at(2), Kind: Refused, Host: "beta", Addr: "c"},
		{At: at(3), Kind: SamePrefix, Host: "beta", Addr: "b", By: "gamma", Prefix: "/x"},
		{At: at(4), Kind: SamePrefix, Host: "beta", Addr: "b", By: "gamma", Prefix: "/y"},
	})
	var got []string
	for _, x := range list {
		got = append(got, fmt.Sprint(x.At.Minute()-4, x.Kind, x.Addr, x.Prefix, x.Text))
	}
	want := "2 refused c,3 prefix b /x,4 prefix b /y,5 refused b  again"
	if all := strings.Join(got, ","); strings.ReplaceAll(all, " ", "") != strings.ReplaceAll(want, " ", "") {
		t.Errorf("%s, want %s", all, want)
	}

	list = nil
	long := strings.Repeat("x", 63)
	for i := range 200 {
		list = append(list, Trouble{
			At: at(i), Kind: SameKey, Host: long, By: long, Addr: fmt.Sprint(i, long), ByAddr: long, Text: strings.Repeat("x", 300),
		})
	}
	list = Latest(list)
	if len(list) != MaxTroubles || !list[0].At.Equal(at(200-MaxTroubles)) || !list[MaxTroubles-1].At.Equal(at(199)) {
		t.Errorf("%d troubles, from %v to %v", len(list), list[0].At, list[len(list)-1].At)
	}
	if b, err := json.Marshal(Security{Troubles: list}); err != nil || len(b) > ipc.MaxAppended {
		t.Errorf("%d octets, %v", len(b), err)
	}
}
