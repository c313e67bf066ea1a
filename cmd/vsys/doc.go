// Command vsys turns the Linux machines on a network into one time-sharing computer.
//
// Usage:
//
//	vsys VERB [flags] [arguments]
//
// The verbs are:
//
//	boot        Make this machine a host
//	cat         Print files, or standard input
//	cmp         Compare two files
//	completion  Generate the autocompletion script for the specified shell
//	config      Show what vsys boot takes for its settings, and why
//	cp          Copy files and trees, between any hosts
//	doctor      Find out why machines don't see each other
//	exec        Open the executive (shell), or run a script
//	expel       Take a host out of the domain
//	groups      Show the process groups with members on the live hosts, or on some
//	head        Print the first lines
//	help        Help about any command
//	hosts       Show the hosts of the domain
//	invite      Let another machine into the domain
//	join        Make this machine a host of a domain, by invitation
//	kill        Send a signal to programs
//	lab         Boot several hosts on this machine, and open the executive on the first
//	ls          List contexts (directories)
//	mkdir       Make contexts (directories)
//	mv          Move files and trees, also to another host
//	rm          Remove files, and trees with -r
//	rmdir       Remove empty contexts (directories)
//	rotate      Give the domain a new key
//	run         Run a program on a host, and have its exit status
//	shutdown    End the host of this machine
//	stat        Show the descriptors of objects
//	stats       Show the counters of the live hosts' kernels, or of some
//	status      Show how the host of this machine is
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
// # Make this machine a host
//
//	vsys boot
//
// Boots the host in the background and returns when it serves; vsys shutdown ends it. The
// other programs of this user find it by its socket: vsys ls, vsys exec and the other
// verbs. At its first boot a machine makes a V domain of its own, unless it was let into
// another by vsys join; what the hosts of a domain say to one another is sealed.
//
// The flags are also the keys of a configuration file; vsys config lists them. With
// --install a unit file for systemd is written, which boots the host with the machine.
//
// Examples:
//
//	vsys boot
//	vsys boot --name beta --export work=/srv/work
//	vsys boot --install --print
//
// Flags:
//
//	    --addr ADDRESS            address and UDP port that hosts talk to (default 0.0.0.0:8145)
//	    --clear                   be in a domain in which nothing is sealed (default false)
//	    --config string           configuration file
//	                              (default /etc/vsys/config.toml for root, else $XDG_CONFIG_HOME/vsys/config.toml)
//	    --export NAME=DIRECTORY   let all hosts write to a directory, as /unix/HOST/NAME; may be repeated
//	-f, --foreground              run here, until interrupted, and log to standard error
//	    --install                 write a unit file that lets systemd boot the host
//	    --interface NAME          network interface to look for other hosts on; may be repeated (default all that are fit for it)
//	    --log-file FILE           what a host in the background logs to
//	                              (default /var/log/vsys/vsys.log for root, else $XDG_STATE_HOME/vsys/log/vsys.log;
//	                              log/vsys.log in a state directory of one's own)
//	    --log-level LEVEL         from where on is logged (default info)
//	    --name NAME               of the host
//	                              (default the machine's, up to its first dot)
//	    --peer ADDRESS            address and port of another host; may be repeated
//	    --print                   with --install, only show it
//	-q, --quiet                   say and log only what goes wrong
//	    --socket PATH             socket for programs that join; - for none
//	                              (default /run/vsys/vsys.sock for root, else $XDG_RUNTIME_DIR/vsys/vsys.sock)
//	    --state DIRECTORY         directory for what outlives the host
//	                              (default /var/lib/vsys for root, else $XDG_STATE_HOME/vsys)
//	    --user                    root's own host, in root's home, not the machine's; for others it is so in any case
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
// # Show what vsys boot takes for its settings, and why
//
//	vsys config
//
// Lists all settings with their values and where those come from: a flag, the configuration
// file, or the default. It takes the flags of vsys boot, to try them out. vsys config
// explain KEY says all about one.
//
// Examples:
//
//	vsys config
//	vsys config explain addr
//
// Flags:
//
//	--addr ADDRESS            address and UDP port that hosts talk to (default 0.0.0.0:8145)
//	--clear                   be in a domain in which nothing is sealed (default false)
//	--config string           configuration file
//	                          (default /etc/vsys/config.toml for root, else $XDG_CONFIG_HOME/vsys/config.toml)
//	--export NAME=DIRECTORY   let all hosts write to a directory, as /unix/HOST/NAME; may be repeated
//	--interface NAME          network interface to look for other hosts on; may be repeated (default all that are fit for it)
//	--json                    one JSON object a line
//	--log-file FILE           what a host in the background logs to
//	                          (default /var/log/vsys/vsys.log for root, else $XDG_STATE_HOME/vsys/log/vsys.log;
//	                          log/vsys.log in a state directory of one's own)
//	--log-level LEVEL         from where on is logged (default info)
//	--name NAME               of the host
//	                          (default the machine's, up to its first dot)
//	--peer ADDRESS            address and port of another host; may be repeated
//	--socket PATH             socket for programs that join; - for none
//	                          (default /run/vsys/vsys.sock for root, else $XDG_RUNTIME_DIR/vsys/vsys.sock)
//	--state DIRECTORY         directory for what outlives the host
//	                          (default /var/lib/vsys for root, else $XDG_STATE_HOME/vsys)
//	--user                    root's own host, in root's home, not the machine's; for others it is so in any case
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
// # Find out why machines don't see each other
//
//	vsys doctor
//
// Looks at this machine, its network and, if one runs here, its host, and says what is wrong
// and which command mends it. It changes nothing. It takes some four seconds. A host answers
// its own user; reading the rules of a firewall takes root. The exit status is 0, 1 with
// warnings, 2 with errors.
//
// Examples:
//
//	vsys doctor
//	vsys doctor --peer 192.168.1.7
//	sudo vsys doctor --json
//
// Flags:
//
//	--addr ADDRESS       address and UDP port that hosts talk to (default 0.0.0.0:8145)
//	--config string      configuration file
//	                     (default /etc/vsys/config.toml for root, else $XDG_CONFIG_HOME/vsys/config.toml)
//	--json               one JSON object a line
//	--peer stringArray   another machine, as ADDRESS or ADDRESS:PORT; may be repeated
//	--state DIRECTORY    directory for what outlives the host
//	                     (default /var/lib/vsys for root, else $XDG_STATE_HOME/vsys)
//	--user               root's own host, in root's home, not the machine's; for others it is so in any case
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
// # Take a host out of the domain
//
//	vsys expel HOST
//
// All hosts that can be reached refuse HOST within seconds, the others as soon as they are
// there. HOST is a name as hosts shows it, or a fingerprint as status does. A host that had the domain's
// key, or whose disk was stolen with it, takes vsys rotate --retire, too.
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
// CLEAR marks hosts of a domain in which nothing is sealed. Lost hosts are shown too, with how long ago they were heard. The load is the number of
// programs that want to run, an average of one minute.
//
// Flags:
//
//	--json   one JSON object a line
//
// # Let another machine into the domain
//
//	vsys invite
//
// Prints a code that is good once, for an hour unless --for says otherwise. Who has it gets a
// machine into the domain: say it to nobody else. With --keeper the machine keeps the domain's
// key, too: it may invite and expel.
//
// Examples:
//
//	invite
//	invite --keeper --for 10m
//
// Flags:
//
//	--for duration   how long the code is good (default 1h0m0s)
//	--json           as a JSON object
//	--keeper         the machine is to keep the domain's key, too
//
// # Make this machine a host of a domain, by invitation
//
//	vsys join CODE
//
// CODE is what vsys invite, or vsys boot, has printed on a host of the domain. The two machines
// must be on one network at that time, or CODE has an address at its end. Then the host boots,
// as by vsys boot with the same flags; from then on vsys boot is enough.
//
// Examples:
//
//	vsys join 7-purple-otter-…
//	vsys join 7-purple-otter-…@192.0.2.7 --name beta
//
// Flags:
//
//	    --addr ADDRESS            address and UDP port that hosts talk to (default 0.0.0.0:8145)
//	    --again                   leave the domain that this machine is in
//	    --clear                   be in a domain in which nothing is sealed (default false)
//	    --config string           configuration file
//	                              (default /etc/vsys/config.toml for root, else $XDG_CONFIG_HOME/vsys/config.toml)
//	    --export NAME=DIRECTORY   let all hosts write to a directory, as /unix/HOST/NAME; may be repeated
//	-f, --foreground              run the host here, until interrupted
//	    --interface NAME          network interface to look for other hosts on; may be repeated (default all that are fit for it)
//	    --log-file FILE           what a host in the background logs to
//	                              (default /var/log/vsys/vsys.log for root, else $XDG_STATE_HOME/vsys/log/vsys.log;
//	                              log/vsys.log in a state directory of one's own)
//	    --log-level LEVEL         from where on is logged (default info)
//	    --name NAME               of the host
//	                              (default the machine's, up to its first dot)
//	    --peer ADDRESS            address and port of another host; may be repeated
//	    --socket PATH             socket for programs that join; - for none
//	                              (default /run/vsys/vsys.sock for root, else $XDG_RUNTIME_DIR/vsys/vsys.sock)
//	    --state DIRECTORY         directory for what outlives the host
//	                              (default /var/lib/vsys for root, else $XDG_STATE_HOME/vsys)
//	    --timeout duration        how long to try (default 8s)
//	    --user                    root's own host, in root's home, not the machine's; for others it is so in any case
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
// What the hosts say to one another is sealed, unless --clear says otherwise.
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
//	    --clear             seal nothing, so that what goes over the wire can be read
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
// # Give the domain a new key
//
//	vsys rotate
//
// Certificates by the old key are good until their end, and are renewed meanwhile. With
// --retire they are good no more, which is for a key that was stolen: hosts that are not there
// now have to join again.
//
// Flags:
//
//	--retire   certificates by older keys are good no more
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
// # End the host of this machine
//
//	vsys shutdown
//
// Ends the host that vsys boot has booted, and returns when it is gone. It says goodbye to
// the other hosts, and its programs end. That no host runs is no error.
//
// Examples:
//
//	vsys shutdown
//	vsys shutdown --state /tmp/beta
//
// Flags:
//
//	--config string      configuration file
//	                     (default /etc/vsys/config.toml for root, else $XDG_CONFIG_HOME/vsys/config.toml)
//	--state DIRECTORY    directory for what outlives the host
//	                     (default /var/lib/vsys for root, else $XDG_STATE_HOME/vsys)
//	--timeout duration   how long to wait for its end (default 10s)
//	--user               root's own host, in root's home, not the machine's; for others it is so in any case
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
// # Show how the host of this machine is
//
//	vsys status
//
// The exit status is 0 if a host runs, and 3 if none does.
//
// Flags:
//
//	--config string     configuration file
//	                    (default /etc/vsys/config.toml for root, else $XDG_CONFIG_HOME/vsys/config.toml)
//	--json              as a JSON object
//	--state DIRECTORY   directory for what outlives the host
//	                    (default /var/lib/vsys for root, else $XDG_STATE_HOME/vsys)
//	--user              root's own host, in root's home, not the machine's; for others it is so in any case
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
// Measures Send-Receive-Reply with segments of 0, 1,024 and 16,384 octets, sealed and in
// the clear, beside an unbuffered channel, a Unix socket and plain Go UDP in the same run;
// and by how much the first request of two teams that never spoke takes longer than their
// second. All run in turn; the processors are given out as Linux likes, so pin it to compare
// placements: taskset -c 1 vsys timeipc puts both ends on one processor.
//
// Examples:
//
//	vsys timeipc
//	vsys timeipc --rounds 99 --json
//
// Flags:
//
//	--calls int    messages of a case in a round (default 400)
//	--json         one object a line
//	--rounds int   how often all cases are measured (default 41)
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
