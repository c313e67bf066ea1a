package udp

import (
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"vsys/link"
	"vsys/link/frame"
)

// teamEnv makes the test binary a team: teamMain instead of tests.
const teamEnv = "VSYS_UDP_TEST_TEAM"

// teamMain is a team in slot 2: it takes its member from the socket that is
// its descriptor 3, and answers each frame with its packet, until it is killed.
func teamMain() int {
	fd, err := takeFd(3)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	l, err := FromFd(fd, 2, Options{})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	batch := link.NewBatch(8, 2048)
	for {
		if l.TryReceive(batch) == 0 {
			l.Sleep(time.Second)
		}
		for _, p := range batch.Packets {
			if _, packet, err := frame.Decode(p.Data); err == nil {
				l.Send(p.From, append([]byte("team: "), packet...))
			}
		}
	}
}

// takeFd receives one descriptor through the Unix socket that is descriptor fd.
func takeFd(fd int) (int, error) {
	conn, err := net.FileConn(os.NewFile(uintptr(fd), "host kernel"))
	if err != nil {
		return -1, err
	}
	defer conn.Close()
	oob := make([]byte, unix.CmsgSpace(4))
	_, n, _, _, err := conn.(*net.UnixConn).ReadMsgUnix(make([]byte, 1), oob)
	if err != nil {
		return -1, err
	}
	messages, err := unix.ParseSocketControlMessage(oob[:n])
	if err != nil || len(messages) != 1 {
		return -1, fmt.Errorf("%d control messages: %v", len(messages), err)
	}
	fds, err := unix.ParseUnixRights(&messages[0])
	if err != nil || len(fds) != 1 {
		return -1, fmt.Errorf("%d descriptors: %v", len(fds), err)
	}
	return fds[0], nil
}

// startTeam starts the test binary as a team and passes it the file.
func startTeam(t *testing.T, f *os.File) *exec.Cmd {
	t.Helper()
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	theirs := os.NewFile(uintptr(pair[1]), "for the team")
	defer theirs.Close()
	defer unix.Close(pair[0])
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), teamEnv+"=2")
	cmd.ExtraFiles = []*os.File{theirs}
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if err := unix.Sendmsg(pair[0], []byte{0}, unix.UnixRights(int(f.Fd())), nil, 0); err != nil {
		t.Fatal(err)
	}
	return cmd
}

// answer sends a frame to slot 2 and returns what comes back.
func answer(t *testing.T, outside *Link, to netip.AddrPort, packet string) string {
	t.Helper()
	if err := outside.Send(to, framed(2, packet)); err != nil {
		t.Fatal(err)
	}
	batch := link.NewBatch(1, 2048)
	for end := time.Now().Add(10 * time.Second); outside.TryReceive(batch) == 0; {
		if time.Now().After(end) {
			t.Fatalf("no answer to %q", packet)
		}
		outside.Sleep(time.Second)
	}
	if from := batch.Packets[0].From; from != to {
		t.Errorf("the answer to %q comes from %v, want %v", packet, from, to)
	}
	return string(batch.Packets[0].Data)
}

// The life of a slot: a team in another process serves it, dies, and the host
// kernel answers for it; then the next team has it.
func TestTeamLivesAndDies(t *testing.T) {
	p := pool(t, local4, 4)
	outside := listen(t, local4)
	for life := range 2 {
		f, err := p.File(2)
		if err != nil {
			t.Fatal(err)
		}
		team := startTeam(t, f)
		f.Close()
		for i := range 3 {
			packet := fmt.Sprintf("life %d, request %d", life, i)
			if got := answer(t, outside, p.Addr(), packet); got != "team: "+packet {
				t.Errorf("%q was answered %q by the team", packet, got)
			}
		}
		if err := team.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		team.Wait()
		answerForDead(t, p, outside)
	}
}

// answerForDead reads, on the pool's duplicate, what comes for slot 2.
func answerForDead(t *testing.T, p *Pool, outside *Link) {
	t.Helper()
	l := member(t, p, 2)
	defer l.Close()
	if err := p.Retire(2); err != nil {
		t.Fatal(err)
	}
	data := framed(2, "anybody?")
	if err := outside.Send(p.Addr(), data); err != nil {
		t.Fatal(err)
	}
	l.Park(time.Second)
	batch := link.NewBatch(1, 2048)
	if l.TryReceive(batch) != 1 || string(batch.Packets[0].Data) != string(data) {
		t.Fatalf("after the team's death the duplicate has %q, want %q", batch.Packets, data)
	}
	if err := l.Send(batch.Packets[0].From, []byte("nonexistent entity")); err != nil {
		t.Fatal(err)
	}
	outside.Sleep(time.Second)
	if outside.TryReceive(batch) != 1 || batch.Packets[0].From != p.Addr() {
		t.Errorf("the answer for the dead is %v, want one from %v", batch.Packets, p.Addr())
	}
}
