package process

import (
	"bufio"
	"bytes"
	"fmt"
	"io/fs"
	"math"
	"strconv"
	"strings"
)

// Load is how busy and how full the host is.
type Load struct {
	Runnable    uint32 // runnable programs, average of one minute, hundredths
	MemoryTotal uint64 // octets
	MemoryFree  uint64 // octets that a new program could have
}

// ReadLoad reads the host's load from proc, which holds the files that Linux has
// in its directory /proc. It costs some 20 µs; once a second is often enough.
func ReadLoad(proc fs.FS) (Load, error) {
	var l Load
	b, err := fs.ReadFile(proc, "loadavg")
	if err != nil {
		return l, err
	}
	first, _, _ := strings.Cut(string(b), " ")
	avg, err := strconv.ParseFloat(first, 64)
	if err != nil || !(avg >= 0 && avg <= math.MaxUint32/100) { // NaN is neither
		return l, fmt.Errorf("loadavg: %q is no load", first)
	}
	l.Runnable = uint32(math.Round(avg * 100))
	if b, err = fs.ReadFile(proc, "meminfo"); err != nil {
		return l, err
	}
	l.MemoryTotal, l.MemoryFree, err = memory(b)
	return l, err
}

// memory finds the total and the available memory in meminfo, in octets. A
// Linux that does not tell what is available tells what is free.
func memory(meminfo []byte) (total, free uint64, err error) {
	kib := map[string]uint64{}
	for s := bufio.NewScanner(bytes.NewReader(meminfo)); s.Scan(); {
		key, value, _ := strings.Cut(s.Text(), ":")
		n, err := strconv.ParseUint(strings.TrimSuffix(strings.TrimSpace(value), " kB"), 10, 53)
		if err == nil {
			kib[key] = n
		}
	}
	free, known := kib["MemAvailable"]
	if !known {
		free = kib["MemFree"]
	}
	if kib["MemTotal"] == 0 {
		return 0, 0, fmt.Errorf("meminfo: there is no MemTotal")
	}
	return kib["MemTotal"] << 10, free << 10, nil
}
