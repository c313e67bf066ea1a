package process

import (
	"testing"
	"testing/fstest"
)

const meminfo = `MemTotal:        8041216 kB
MemFree:          301540 kB
MemAvailable:    5120000 kB
Buffers:          164580 kB
HugePages_Total:       0
`

func proc(loadavg, meminfo string) fstest.MapFS {
	fs := fstest.MapFS{}
	if loadavg != "" {
		fs["loadavg"] = &fstest.MapFile{Data: []byte(loadavg)}
	}
	if meminfo != "" {
		fs["meminfo"] = &fstest.MapFile{Data: []byte(meminfo)}
	}
	return fs
}

func TestReadLoad(t *testing.T) {
	for _, c := range []struct {
		loadavg, meminfo string
		want             Load
	}{
		{"0.57 0.42 0.31 2/512 1234\n", meminfo, Load{57, 8041216 << 10, 5120000 << 10}},
		{"12.00 0.42 0.31 2/512 1234\n", "MemTotal: 4 kB\nMemFree: 2 kB\n", Load{1200, 4096, 2048}},
		{"0.00 0 0 1/1 1\n", "MemTotal: 4 kB\nMemFree: 2 kB\nMemAvailable: 0 kB\n", Load{0, 4096, 0}},
	} {
		got, err := ReadLoad(proc(c.loadavg, c.meminfo))
		if err != nil || got != c.want {
			t.Errorf("%q: %+v, %v; want %+v", c.loadavg, got, err, c.want)
		}
	}
}

func TestReadLoadRefuses(t *testing.T) {
	for name, fs := range map[string]fstest.MapFS{
		"no loadavg":  proc("", meminfo),
		"no meminfo":  proc("0.1 0.1", ""),
		"no number":   proc("busy 0.1", meminfo),
		"not finite":  proc("NaN 0.1", meminfo),
		"negative":    proc("-1 0.1", meminfo),
		"no MemTotal": proc("0.1 0.1", "MemFree: 2 kB\n"),
	} {
		if l, err := ReadLoad(fs); err == nil {
			t.Errorf("%s: %+v", name, l)
		}
	}
}
