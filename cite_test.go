package vsys_test

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// sections lists the numbered sections of the two sources that comments cite
// most, from their tables of contents. A chapter N that has sections up to N.M
// is written N.1-M.
var sections = map[string][]string{
	"RFC 1045": expand("1.1-3 1.1.1-3 2.1-18 2.5.1-6 3.1-4 4.1-9 4.6.1-2 4.7.1 4.8.1 5.1-9 5.6.1-4 5.8.1 6"),
	"V paper":  expand("1.1-2 2.1-7 3.1-6 4.1-3 5"),
}

// expand turns "2.1-3" into 2, 2.1, 2.2, 2.3.
func expand(ranges string) []string {
	var all []string
	for r := range strings.FieldsSeq(ranges) {
		var last int
		first, hi, _ := strings.Cut(r, "-")
		dot := strings.LastIndexByte(first, '.')
		if dot < 0 {
			all = append(all, first)
			continue
		}
		chapter := first[:dot]
		all = append(all, chapter)
		if _, err := fmt.Sscan(hi, &last); err != nil {
			last = 1
		}
		for i := 1; i <= last; i++ {
			all = append(all, fmt.Sprintf("%s.%d", chapter, i))
		}
	}
	return all
}

var (
	// citation is a source, and what is said of it before the next source.
	citation = regexp.MustCompile(`(RFC \d+|V paper|\[[A-Z][A-Za-z]+\d+\])([^;\[]*)`)
	section  = regexp.MustCompile(`(?:§|chapter )(\d+(?:\.\d+)*)`)
	key      = regexp.MustCompile(`^\[([A-Z][A-Za-z]+\d\d)\]$`)
	sentence = regexp.MustCompile(`\.\s|RFC \d|paper`)
)

// TestCitations holds comments to sections that exist, and to papers that
// docs/papers.md lists.
func TestCitations(t *testing.T) { report(t, badCitations(wholeProject(t))) }

func badCitations(tr tree) []string {
	var papers string
	if f := tr["docs/papers.md"]; f != nil {
		papers = f.text
	}
	var bad []string
	for _, f := range tr.sorted((*file).isGo) {
		for _, c := range f.syntax.Comments {
			text := strings.Join(strings.Fields(c.Text()), " ")
			for _, why := range faults(text, papers) {
				bad = append(bad, fmt.Sprintf("%s:%d: %s", f.path, f.line(c.Pos()), why))
			}
		}
	}
	return bad
}

// faults returns what is wrong with the citations in one comment.
func faults(text, papers string) []string {
	var bad []string
	for text != "" {
		m := citation.FindStringSubmatchIndex(text)
		if m == nil {
			break
		}
		source, rest := text[m[2]:m[3]], text[m[4]:m[5]]
		if end := sentence.FindStringIndex(rest); end != nil {
			rest = rest[:end[0]]
		}
		text = text[m[3]:]
		if k := key.FindStringSubmatch(source); k != nil && !strings.Contains(papers, "\n| "+k[1]+" |") {
			bad = append(bad, "docs/papers.md does not list "+k[1])
		}
		known := sections[source]
		for _, s := range section.FindAllStringSubmatch(rest, -1) {
			if known != nil && !slices.Contains(known, s[1]) {
				bad = append(bad, fmt.Sprintf("%s has no section %s", source, s[1]))
			}
		}
	}
	return bad
}

// TestCitationsCanFail gives the check citations of both kinds.
func TestCitationsCanFail(t *testing.T) {
	with := func(comment string) map[string]string {
		return map[string]string{
			"docs/papers.md": "\n| UIO87 | a paper |\n",
			"p/p.go":         "package p\n\n// " + comment + "\n",
		}
	}
	trySamples(t, badCitations, []sample{
		{"good", with("RFC 1045 §2.14, chapter 4; the V paper §3.6; [UIO87] §99."), ""},
		{"no such section", with("RFC 1045 §3.9."), "RFC 1045 has no section 3.9"},
		{"over two lines", with("See RFC 1045\n// §2.19 there."), "no section 2.19"},
		{"chapter", with("(RFC 1045 chapters 2 to 5 and chapter 7)"), "no section 7"},
		{"second of two", with("RFC 1045 §2.1; RFC 6298 §9.9; the V paper §6"), "V paper has no section 6"},
		{"unlisted paper", with("as in [Nobody99] §1"), "does not list Nobody99"},
	})
}
