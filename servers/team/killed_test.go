package team

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"

	"vsys/program"
)

// hostRole makes TestAsHost a host in an OS process of its own: what it is to do.
const hostRole = "VSYS_TEST_HOST"

// TestAsHost is started by the tests below.
func TestAsHost(t *testing.T) {
	role := os.Getenv(hostRole)
	if role == "" {
		return
	}
	h := newWorld(t, 1).hosts[0]
	switch role {
	case "sleep":
		cmd := h.client.Command("sleep", "1000")
		if err := cmd.Start(within(t)); err != nil {
			t.Fatal(err)
		}
		fmt.Printf("host: %d\n", cmd.State.Unix)
		_, _ = os.Stdin.Read(make([]byte, 1)) // until it is killed
	case "interrupt":
		cmd, _ := h.sh("kill -INT $$; echo survived")
		fmt.Printf("host: %d\n", program.Status(cmd.Run(within(t))))
	}
}

// startHost starts TestAsHost by a shell that does first what before says, and
// returns the number that the host prints.
func startHost(t *testing.T, role, before string) (cmd *exec.Cmd, number int) {
	t.Helper()
	cmd = exec.Command("sh", "-c", before+`exec "$0" -test.run '^TestAsHost$'`, os.Args[0])
	cmd.Env = append(os.Environ(), hostRole+"="+role)
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		in.Close()
		_ = cmd.Wait() // it may have been killed
	})
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if text, ok := strings.CutPrefix(lines.Text(), "host: "); ok {
			if number, err = strconv.Atoi(text); err != nil {
				t.Fatal(err)
			}
			return cmd, number
		}
	}
	t.Fatalf("the host says nothing: %v", lines.Err())
	return nil, 0
}

// Programs end with the host's OS process, however that ends.
func TestHostIsKilled(t *testing.T) {
	host, pid := startHost(t, "sleep", "")
	if err := host.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	gone(t, pid)
}

// Programs can be interrupted though the host was started with interrupts ignored.
func TestInterruptsAreHeeded(t *testing.T) {
	if _, status := startHost(t, "interrupt", `trap "" INT QUIT; `); status != 130 {
		t.Errorf("status %d", status)
	}
}
