package shell

import (
	"context"
	"io"
	"io/fs"
	"os"
	"syscall"
)

// System is what the executive needs of V. All methods may be called by any
// goroutine at any time and end soon after ctx does. Names are absolute V names,
// clean, with slashes. Errors are or wrap an ipc.Code, which decides what the
// user is told and which exit status the command has.
type System interface {
	Files
	Programs
	Hosts
}

// Files are the names of V.
type Files interface {
	// Open opens name; flag and perm are those of os.OpenFile. What it returns is
	// an *os.File where the object is a file of this host that programs can
	// inherit, and any other reader and writer else; with os.O_APPEND each write
	// goes to the end. The caller closes it, which also ends a blocked Read or
	// Write. Codes: NotFound, NoPermission, IsAContext, Unreachable, …
	Open(ctx context.Context, name string, flag int, perm fs.FileMode) (io.ReadWriteCloser, error)

	// ReadDir returns the entries of the context (directory) name. Each part of a
	// name that leads to something is such a context, / and /unix too: a pattern
	// like /unix/beta/* reads all of them on its way. Codes: NotFound, NotAContext,
	// NoPermission, Unreachable.
	ReadDir(ctx context.Context, name string) ([]fs.DirEntry, error)

	// Stat describes name; follow says whether a symbolic link is followed. Where
	// the server knows Unix's view, Sys returns a *syscall.Stat_t. Codes: NotFound,
	// NoPermission, Unreachable.
	Stat(ctx context.Context, name string, follow bool) (fs.FileInfo, error)

	// Place tells who serves the directory dir. It is asked before each program,
	// so it answers from what is cached where it can. Codes: NotFound, Unreachable.
	Place(ctx context.Context, dir string) (Place, error)
}

// Place says where a directory is.
type Place struct {
	// Host is the host that serves the directory, so the host that programs run
	// on while it is the current directory; "" where any host may, which stands
	// for the executive's own.
	Host string
	// Path is the directory's path in Host's Unix file system, "" if it has none.
	Path string
}

// Programs are found and started on any host.
type Programs interface {
	// Find returns the Unix path of a program on l.Host, to be run by a child of
	// this process or shown to the user. Codes as Start.
	Find(ctx context.Context, l Lookup) (string, error)

	// Start starts a program. The V pipes among its stdio are the program's from
	// now on; where Start fails they stay the caller's. Files stay the caller's in
	// any case. A Stdio end that equals another is one opening, shared.
	//
	// Codes: NotFound (no such program there); NotExecutable (no binary for that
	// processor); HostUnknown; Unreachable (the host is known to be lost, so the
	// program did not start); RetransTimeout (the host fell silent: it may have
	// started); UserTimeout; NoPermission; others where it couldn't be started.
	Start(ctx context.Context, s Spec) (Program, error)

	// NewPipe makes a pipe in the pipe server of host, between two programs on any
	// hosts. Codes: HostUnknown, Unreachable, NoServerResources.
	NewPipe(ctx context.Context, host string) (r, w PipeEnd, err error)
}

// Lookup names a program on a host.
type Lookup struct {
	Host string // a host's name, never any
	// Name is as the user wrote it. Without a slash it is searched along Path.
	// With one it is a V name, relative to Dir unless absolute; an absolute one
	// that is no V name is a path in the host's Unix file system.
	Name string
	Path string // the search path: $PATH, directories of the host's Unix file system
	Dir  string // the working context, a V name
}

// Spec says what to start.
type Spec struct {
	Lookup
	Args  []string // Args[0] is the program's own name
	Env   []string // NAME=value
	Stdio [3]End   // standard input, output, error
}

// End is what a standard stream of a program is joined to: a file of this
// process, an end of a V pipe, or a V name that the program's host opens itself.
// At most one of them; none means /dev/null.
type End struct {
	// File is read for a standard input, written for the others, by whoever relays
	// the program's bytes. All of the output is in it before Wait returns. Use
	// [NewInput] to read it: nothing may be taken from it after Wait returned,
	// because others read the same terminal or pipe.
	File *os.File
	Pipe PipeEnd
	Name string
	Flag int // with Name: os.O_RDONLY, or os.O_WRONLY with os.O_APPEND or nothing

	gate *gate // with File, if that is the terminal: when it may be read
}

// PipeEnd is one end of a V pipe, opaque to the executive, which closes it only
// where no program took it over. It must be comparable.
type PipeEnd interface{ io.Closer }

// Program is a started program.
type Program interface {
	// Where tells where it runs: "pid 4711" or a V process, as people read it.
	Where() string

	// Wait blocks until the program has ended and its output is in its files. It
	// is called once. When ctx ends first it returns ctx's error; the program is
	// then no longer of interest and should be killed.
	// Codes: RetransTimeout, Unreachable, NonexistentEntity (its host or team
	// server is lost, the outcome unknown); UserTimeout.
	Wait(ctx context.Context) (Status, error)

	// Signal sends the program and its children a signal. To a program that has
	// ended it is no error.
	Signal(ctx context.Context, sig syscall.Signal) error
}

// Status is how a program ended.
type Status struct {
	Exit   int            // 0 to 255
	Signal syscall.Signal // what killed it, 0 if nothing did
}

// Code returns the exit status as $? shows it: 128+n for signal n.
func (s Status) Code() int {
	if s.Signal != 0 {
		return 128 + int(s.Signal)
	}
	return s.Exit & 0xFF
}

// Hosts are the hosts of the domain.
type Hosts interface {
	// Here returns the name of the executive's own host. It does not block.
	Here() string

	// HostNames returns the names of the hosts that are alive. It does not block.
	HostNames() []string

	// Pick chooses a host for a program that was placed @any, and says why in a
	// few words: "least loaded, 0.02".
	Pick(ctx context.Context, l Lookup) (host, why string, err error)
}

// Command is one of V's own commands, run in the executive's process. It returns
// the exit status and ends soon after ctx does. It must not keep c.
type Command func(ctx context.Context, c *Call) int

// Call is what a Command is called with.
type Call struct {
	Args   []string // Args[0] is the command's name
	Dir    string   // the current directory, a V name
	Env    []string // exported variables, NAME=value
	Stdin  io.Reader
	Stdout io.Writer // with a method Fd, as *os.File has, where there is a file behind it
	Stderr io.Writer
}
