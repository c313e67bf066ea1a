// Command vsys turns the Linux machines on a network into one time-sharing computer.
//
// Usage:
//
//	vsys VERB [flags] [arguments]
//
// The verbs are:
//
//	boot        Make this machine a host, until interrupted
//	cat         Print files, or standard input
//	cmp         Compare two files
//	completion  Generate the autocompletion script for the specified shell
//	cp          Copy files and trees, between any hosts
//	exec        Open the executive (shell), or run a script
//	groups      Show the process groups with members on the live hosts, or on some
//	head        Print the first lines
//	help        Help about any command
//	hosts       Show the hosts of the domain
//	kill        Send a signal to programs
//	lab         Boot several hosts on this machine, and open the executive on the first
//	ls          List contexts (directories)
//	mkdir       Make contexts (directories)
//	mv          Move files and trees, also to another host
//	rm          Remove files, and trees with -r
//	rmdir       Remove empty contexts (directories)
//	run         Run a program on a host, and have its exit status
//	stat        Show the descriptors of objects
//	stats       Show the counters of the live hosts' kernels, or of some
//	tail        Print the last lines
//	teams       Show the teams of the live hosts, or of some
//	tee         Copy standard input to files and to standard output
//	timeipc     Measure what a message costs: in a team, on a host, between hosts
//	touch       Set the time of change to now, and make files that are not there
//	version     Print the version of this program
//	wc          Count lines, words and octets
//	where       Show which server, on which host, answers for names
//
// Flags of all verbs:
//
//	--dir string           the V name that relative names start from (default: the working directory's)
//	--host-socket string   the socket of the host to join (default "$VSYS_HOST_SOCKET or this user's")
//
// Names are V names. In verbs a relative one begins at this directory, as the host of this
// machine exports it: /unix/HOST/DIRECTORY. What is asked for goes to standard output, words
// about it to standard error. Errors are two lines: what failed and why; what to try.
//
// The exit status is 0; 1 if something failed; 2 for a wrong use; 123 if a host was lost and
// the outcome is not known; 124 if it timed out; 125 if it could not be started; 126 if there
// is no program for that processor; 127 if there is none; 128+n if signal n ended it; else
// that of the program or script.
//
// # Make this machine a host, until interrupted
//
//	vsys boot
//
// Runs in the foreground. Other programs of this user join the host by its socket: so
// vsys ls, vsys exec and the other verbs find it. What hosts say to one another is not
// sealed yet, so only loopback addresses are taken.
//
// Examples:
//
//	vsys boot
//	vsys boot --name beta --addr 127.0.0.2:8145 --peer 127.0.0.1:8145 \
//	          --socket /tmp/beta.sock --state /tmp/beta
//
// Flags:
//
//	    --addr string             address and UDP port (default 127.0.0.1:8145)
//	    --export stringToString   NAME=DIRECTORY: let all hosts write to it, as /unix/HOST/NAME (default [])
//	    --name string             of the host (default: the machine's)
//	    --peer stringArray        address and port of another host; may be repeated
//	-q, --quiet                   say only what goes wrong
//	    --socket string           socket for programs that join: a path, @NAME, or - for none
//	                              (default /run/vsys/vsys.sock for root, else $XDG_RUNTIME_DIR/vsys/vsys.sock)
//	    --state string            directory for what outlives the host
//	                              (default /var/lib/vsys for root, else $XDG_STATE_HOME/vsys)
//	    --user                    for the programs of this user only, as it is in any case for now (default true)
//
// # Print files, or standard input
//
//	vsys cat [NAME…]
//
// # Compare two files
//
//	vsys cmp NAME NAME
//
// The exit status is 0 if they are the same, 1 if they differ, and 2 if that can't be told.
//
// Flags:
//
//	-s, --silent   only the exit status tells
//
// # Copy files and trees, between any hosts
//
//	vsys cp NAME… NAME
//
// The last name is a file, or a context that the others go into. The octets go through
// this program. Symbolic links in a tree are copied as links; what is neither file,
// context nor link is reported and left out.
//
// Examples:
//
//	cp /unix/beta/etc/hosts .
//	cp -rp src /unix/gamma/lab
//
// Flags:
//
//	-a, --archive     as -rp, and links that are named as links
//	-p, --preserve    keep modes and times
//	-r, --recursive   contexts too, with all that is beneath them
//
// # Open the executive (shell), or run a script
//
//	vsys exec [FILE [ARG…]]
//
// The executive has the language of bash. Names are V names, and @HOST or @any says
// where a command runs. The current directory is the present one of this host.
//
// Examples:
//
//	vsys exec
//	vsys exec -c 'cat /unix/beta/etc/hostname | wc -c @gamma'
//
// Flags:
//
//	-c, --command string   run this script instead of reading lines
//
// # Show the process groups with members on the live hosts, or on some
//
//	vsys groups [HOST…]
//
// Flags:
//
//	--json   one JSON object a line
//
// # Print the first lines
//
//	vsys head [NAME…]
//
// Flags:
//
//	-c, --bytes int   how many octets, instead of lines
//	-n, --lines int   how many lines, the first of each (default 10)
//
// # Show the hosts of the domain
//
//	vsys hosts
//
// Lost hosts are shown too, with how long ago they were heard. The load is the number of
// programs that want to run, an average of one minute.
//
// Flags:
//
//	--json   one JSON object a line
//
// # Send a signal to programs
//
//	vsys kill /team/HOST/ID…
//
// A number is a Unix process of the host that kill runs on: kill -9 4711 @beta.
// ls -l /team/HOST shows the programs of a host. In the executive kill takes jobs (%1) too.
//
// Examples:
//
//	kill -s INT /team/beta/7
//
// Flags:
//
//	-s, --signal string   which signal, by name or number (default "TERM")
//
// # Boot several hosts on this machine, and open the executive on the first
//
//	vsys lab [FILE [ARG…]]
//
// Boots a V domain of its own: hosts alpha, beta, gamma …, each an OS process, with
// loopback addresses. It needs no root, and all of it is gone afterwards. With -c or
// FILE it runs the script and has its exit status.
//
// Nothing is sealed: lab is always clear for now.
//
// In a lab the executive has one more command, lab, which kills, boots and pauses hosts.
//
// Examples:
//
//	vsys lab
//	vsys lab -n 5 -c 'hosts; uname -a @beta'
//	vsys lab --loss 5 --duplicate 5 --reorder 5 experiment.sh
//
// Flags:
//
//	    --clear             without sealing, as it is in any case for now (default true)
//	-c, --command string    run this script instead of reading lines
//	    --duplicate float   send this much twice, in %
//	-n, --hosts int         how many hosts (default 3)
//	    --loss float        of what each host and program sends, lose this much, in %
//	    --mtu int           octets in a datagram (default what loopback has, or 1472, as on Ethernet, with faults)
//	    --reorder float     let this much be overtaken, in %
//	    --seed uint         of the randomness of faults
//
// # List contexts (directories)
//
//	vsys ls [NAME…]
//
// One name a line. What begins with a dot is left out, unless --all is given.
//
// Examples:
//
//	ls /                  the merged top of the tree
//	ls -l /unix/beta/etc
//
// Flags:
//
//	-a, --all              names that begin with a dot too
//	-d, --directory        contexts themselves, not what they hold
//	    --help             help for ls
//	-h, --human-readable   with -l, sizes as 4.0K, 1.2M
//	    --json             one JSON object a line
//	-l, --long             mode, owner, size and time of change too
//	-1, --one              one name a line, as it is in any case (default true)
//	-t, --time             what was changed last first
//
// # Make contexts (directories)
//
//	vsys mkdir NAME…
//
// Flags:
//
//	-p, --parents   those above it too, and no error if it is there
//
// # Move files and trees, also to another host
//
//	vsys mv NAME… NAME
//
// On one server that is a renaming, done at once or not at all. To another one it is a
// copy, with modes and times, and then the removal of what was copied.
//
// # Remove files, and trees with -r
//
//	vsys rm NAME…
//
// Symbolic links are removed, not followed. What other servers have beneath a name stays.
//
// Flags:
//
//	-f, --force       no error if there is no such name
//	-r, --recursive   contexts too, with all that is beneath them
//
// # Remove empty contexts (directories)
//
//	vsys rmdir NAME…
//
// # Run a program on a host, and have its exit status
//
//	vsys run [@HOST | @any] [--] PROGRAM [ARG…]
//
// Without @HOST it runs on the host that serves the working directory. The exit status is
// the program's own; 128+n if signal n ended it; 127 no such program; 126 not for that
// processor; 125 it could not be started; 124 timed out; 123 the host was lost.
//
// Examples:
//
//	run @any -- make -j8
//	run @beta uname -a
//
// Flags:
//
//	    --dir string         the working directory, a V name (default: the current one if it is there)
//	    --keep               it outlives this command
//	    --timeout duration   end it after this time, as 90s
//	-v, --verbose            say where it runs and why
//
// # Show the descriptors of objects
//
//	vsys stat NAME…
//
// Flags:
//
//	    --json             one JSON object a line
//	-P, --no-dereference   of a symbolic link itself
//
// # Show the counters of the live hosts' kernels, or of some
//
//	vsys stats [HOST…]
//
// Flags:
//
//	--json   one JSON object a line
//
// # Print the last lines
//
//	vsys tail [NAME…]
//
// Flags:
//
//	-c, --bytes int   how many octets, instead of lines
//	-n, --lines int   how many lines, the last of each (default 10)
//
// # Show the teams of the live hosts, or of some
//
//	vsys teams [HOST…]
//
// Flags:
//
//	--json   one JSON object a line
//
// # Copy standard input to files and to standard output
//
//	vsys tee [NAME…]
//
// Flags:
//
//	-a, --append   write at the end of the files, don't begin them anew
//
// # Measure what a message costs: in a team, on a host, between hosts
//
//	vsys timeipc
//
// Measures Send-Receive-Reply with segments of 0, 1,024 and 16,384 octets, beside an
// unbuffered channel, a Unix socket and plain Go UDP in the same run. All run in turn;
// the processors are given out as Linux likes, so pin it to compare placements:
// taskset -c 1 vsys timeipc puts both ends on one processor.
//
// Examples:
//
//	vsys timeipc
//	vsys timeipc --rounds 21 --json
//
// Flags:
//
//	--calls int    messages of a case in a round (default 2000)
//	--json         one object a line
//	--rounds int   how often all cases are measured (default 9)
//
// # Set the time of change to now, and make files that are not there
//
//	vsys touch NAME…
//
// Flags:
//
//	-c, --no-create   make no files
//
// # Print the version of this program
//
//	vsys version
//
// # Count lines, words and octets
//
//	vsys wc [NAME…]
//
// Flags:
//
//	-c, --bytes   octets only
//	-l, --lines   lines only
//	-w, --words   words only
//
// # Show which server, on which host, answers for names
//
//	vsys where [NAME…]
package main
