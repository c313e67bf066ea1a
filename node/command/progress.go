package command

import (
	"fmt"
	"io"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// Progress is shown for what takes longer than progressAfter, this often.
const (
	progressAfter = 300 * time.Millisecond
	progressEvery = 100 * time.Millisecond
)

// progress shows on a terminal how much was copied. It counts in any case.
type progress struct {
	octets, files atomic.Int64
	begin         time.Time
	done          chan struct{}
	loop          sync.WaitGroup

	mu    sync.Mutex // guards below
	term  *os.File   // nil: none
	drawn bool       // there is a line on it
}

func newProgress(term *os.File) *progress {
	p := &progress{term: term, begin: time.Now(), done: make(chan struct{})}
	if term != nil {
		p.loop.Add(1)
		go p.showLoop()
	}
	return p
}

// showLoop ends with close.
func (p *progress) showLoop() {
	defer p.loop.Done()
	wait := time.NewTimer(progressAfter)
	defer wait.Stop()
	for {
		select {
		case <-wait.C:
			p.draw()
			wait.Reset(progressEvery)
		case <-p.done:
			return
		}
	}
}

func (p *progress) draw() {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := p.octets.Load()
	rate := float64(n) / time.Since(p.begin).Seconds()
	fmt.Fprintf(p.term, "\r\x1b[K%d files, %s, %s/s", p.files.Load(), octets(uint64(n)), octets(uint64(rate)))
	p.drawn = true
}

// clear makes room for other output.
func (p *progress) clear() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.drawn {
		fmt.Fprint(p.term, "\r\x1b[K")
		p.drawn = false
	}
}

// close ends the showing.
func (p *progress) close() {
	close(p.done)
	p.loop.Wait()
	p.clear()
}

// file counts a file that was copied.
func (p *progress) file() { p.files.Add(1) }

// counting returns w with its octets counted.
func (p *progress) counting(w io.Writer) io.Writer { return counter{w, p} }

type counter struct {
	w io.Writer
	p *progress
}

func (c counter) Write(b []byte) (int, error) {
	n, err := c.w.Write(b)
	c.p.octets.Add(int64(n))
	return n, err
}
