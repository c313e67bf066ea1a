package main

import (
	"bytes"
	"flag"
	"fmt"
	"go/format"
	"os"
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

var update = flag.Bool("update", false, "write doc.go anew from the verbs")

// TestDoc holds doc.go to the verbs. After a change of them:
//
//	go test ./cmd/vsys -run TestDoc -update
func TestDoc(t *testing.T) {
	want, err := format.Source(document(root()))
	if err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile("doc.go", want, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile("doc.go")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Error("doc.go is not what the verbs say; go test ./cmd/vsys -run TestDoc -update writes it")
	}
}

// document returns doc.go.
func document(r *cobra.Command) []byte {
	r.InitDefaultHelpCmd()
	r.InitDefaultCompletionCmd()
	var b bytes.Buffer
	para := func(text string) {
		for line := range strings.SplitSeq(text, "\n") {
			fmt.Fprintln(&b, strings.TrimRight("// "+line, " "))
		}
	}
	code := func(text string) {
		para("")
		for line := range strings.SplitSeq(strings.Trim(text, "\n"), "\n") {
			fmt.Fprintln(&b, strings.TrimRight("//\t"+line, " \t"))
		}
		para("")
	}
	para("Command vsys turns the Linux machines on a network into one time-sharing computer.\n\nUsage:")
	code("vsys VERB [flags] [arguments]")
	para("The verbs are:")
	var list strings.Builder
	for _, v := range r.Commands() {
		if !v.Hidden {
			fmt.Fprintf(&list, "%-12s%s\n", v.Name(), v.Short)
		}
	}
	code(list.String())
	para("Flags of all verbs:")
	code(r.PersistentFlags().FlagUsages())
	para("Names are V names. In verbs a relative one begins at this directory, as the host of this\n" +
		"machine exports it: /unix/HOST/DIRECTORY. What is asked for goes to standard output, words\n" +
		"about it to standard error. Errors are two lines: what failed and why; what to try.\n\n" +
		"The exit status is 0; 1 if something failed; 2 for a wrong use; 123 if a host was lost and\n" +
		"the outcome is not known; 124 if it timed out; 125 if it could not be started; 126 if there\n" +
		"is no program for that processor; 127 if there is none; 128+n if signal n ended it; else\n" +
		"that of the program or script.")
	for _, v := range r.Commands() {
		if !v.Hidden && v.Name() != "help" && v.Name() != "completion" {
			para("\n# " + v.Short)
			code("vsys " + v.Use)
			if v.Long != "" {
				para(v.Long)
			}
			if v.Example != "" {
				para("\nExamples:")
				code(v.Example)
			}
			if v.LocalNonPersistentFlags().HasFlags() {
				para("\nFlags:")
				code(v.LocalNonPersistentFlags().FlagUsages())
			}
		}
	}
	b.WriteString("package main\n")
	return b.Bytes()
}
