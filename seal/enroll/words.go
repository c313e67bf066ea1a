package enroll

import (
	"fmt"
	"sort"
	"strings"

	"github.com/tyler-smith/go-bip39/wordlists"
)

// words is the English list of BIP 39: 2,048 words in order, all different in
// their first four letters.
var words = wordlists.English

// abbreviation is how many letters of a word are enough.
const abbreviation = 4

// findWord returns the number of a word, written whole or cut.
func findWord(w string) (int, error) {
	i := sort.SearchStrings(words, w)
	if i < len(words) && (words[i] == w || len(w) >= abbreviation && strings.HasPrefix(words[i], w)) {
		return i, nil
	}
	return 0, badCode("%q is not a word of the list; did you mean %q?", w, words[nearest(w)])
}

// nearest returns the number of the word that takes the fewest slips to become w.
func nearest(w string) int {
	best, least := 0, len(w)+len(words[0])
	for i, x := range words {
		if d := slips(w, x); d < least {
			best, least = i, d
		}
	}
	return best
}

// whichWord says which of eight words that are no code was probably meant to be
// another: the first with one that differs by the fewest slips and makes the
// checksum right, or two neighbours that are exchanged.
func whichWord(number uint8, w [Words]int) string {
	for i := range Words - 1 {
		x := w
		x[i], x[i+1] = x[i+1], x[i]
		if _, ok := fromIndices(number, x); ok && x != w {
			return fmt.Sprintf("the words are not a code; are %q and %q exchanged?", words[w[i]], words[w[i+1]])
		}
	}
	const most = 2 // slips; with more, too many words would fit by chance
	best, meant, least := 0, 0, most+1
	for i := range w {
		for j := range words {
			if d := slips(words[w[i]], words[j]); d > 0 && d < least {
				x := w
				x[i] = j
				if _, ok := fromIndices(number, x); ok {
					best, meant, least = i, j, d
				}
			}
		}
	}
	if least > most {
		return "the number or one of the words is another one: compare each with the code"
	}
	return fmt.Sprintf("the words are not a code; is %q meant to be %q?", words[w[best]], words[meant])
}

// slips returns how many letters have to be put in, left out, changed or
// exchanged with their neighbour to make b of a.
func slips(a, b string) int {
	above := make([]int, len(b)+1) // row i-2
	last := make([]int, len(b)+1)  // row i-1
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := 1; i <= len(a); i++ {
		above, last, row = last, row, above
		row[0] = i
		for j := 1; j <= len(b); j++ {
			change := 1
			if a[i-1] == b[j-1] {
				change = 0
			}
			row[j] = min(last[j]+1, row[j-1]+1, last[j-1]+change)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], above[j-2]+1)
			}
		}
	}
	return row[len(b)]
}
