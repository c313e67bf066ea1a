# check: what has to pass before every push. full: the same for an hour.
# Nothing is built by make: "go build -o vsys ./cmd/vsys" does that.
.PHONY: check full
check:
	.ci/run
full:
	.ci/full
