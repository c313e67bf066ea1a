package main

import (
	"context"
	"os"

	"vsys/lab"
)

func main() {
	if len(os.Args) > 1 && os.Args[1] == lab.HostVerb {
		os.Exit(lab.HostMain())
	}
	os.Exit(run(context.Background(), os.Args[1:]))
}
