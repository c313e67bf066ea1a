package seal

// WindowSize is how far behind the highest one a count may be that is still
// taken. Counts are drawn before a frame is sealed and sent, by several goroutines
// at once, and networks change the order too.
const WindowSize = 4096

// Window remembers which counts of a sender have been seen: the zero value none.
// It is RFC 6479's: a ring of bits that moves by whole words.
type Window struct {
	bits  [WindowSize/64 + 1]uint64
	first uint64 // the highest count, plus one
}

// New tells whether a count has not been seen, and is not too old to tell.
func (w *Window) New(count uint64) bool {
	switch {
	case count >= w.first:
		return true
	case w.first-count > WindowSize:
		return false
	}
	return w.bits[count/64%uint64(len(w.bits))]&(1<<(count%64)) == 0
}

// Note takes down that a count, for which New was true, has been seen.
func (w *Window) Note(count uint64) {
	const words = uint64(len(w.bits))
	if count >= w.first {
		// Words between the highest and this one are of counts not seen yet.
		from, to := w.first/64, count/64
		if w.first%64 == 0 && w.first > 0 {
			from-- // the highest count is the last of its word
		}
		if w.first == 0 {
			from = to - min(to, words)
		}
		for i := range min(to-from, words) {
			w.bits[(to-i)%words] = 0
		}
		w.first = count + 1
	}
	w.bits[count/64%words] |= 1 << (count % 64)
}
