package main

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

// TestReadme replays the session that README.md shows.
func TestReadme(t *testing.T) {
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, ok := strings.Cut(string(readme), "```session\n")
	want, _, ok2 := strings.Cut(rest, "```\n")
	if !ok || !ok2 {
		t.Fatal("README.md shows no session")
	}
	prompt := regexp.MustCompile(`(?m)^\w+:/\S*\$ `)
	c := newConsole(t, newMainJob(t).vsys, "lab")
	typed := 0 // where what was typed last ends
	for _, line := range strings.Split(want, "\n") {
		at := prompt.FindString(line)
		if at == "" {
			continue
		}
		c.until("the prompt "+at, func() bool {
			got := c.text()
			return len(got) > typed && strings.HasSuffix(got, "\n"+at)
		})
		c.line(strings.TrimPrefix(line, at))
		typed = len(c.text()) + len(line) - len(at)
	}
	c.until("the session ends", func() bool { return c.out == nil })
	got := c.text()
	pattern := strings.ReplaceAll(regexp.QuoteMeta(want), "…", ".*")
	if !regexp.MustCompile(`^` + pattern + `$`).MatchString(got) {
		t.Errorf("the session went\n%s\nREADME.md has\n%s", got, want)
	}
}
