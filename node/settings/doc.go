// Package settings says what a host is to be: from the flags of vsys boot, from an
// optional configuration file, and from defaults, in this order.
//
// # The table
//
// [Table] has a row for each setting. Its key is the name of the flag and the key
// in the file; what the row says is what vsys config explain prints. Nothing else
// has to be changed for a new setting than the table and [Values].
//
// # Use
//
//	f := settings.AddFlags(flagSet)
//	s, err := f.Load() // when the flags are parsed
//	n, err := node.Start(ctx, s.Config())
//
// [Settings.Rows] says of each setting what it is now, and where that is from.
//
// # The file
//
// It is TOML: /etc/vsys/config.toml for the machine's host, which root boots, and
// $XDG_CONFIG_HOME/vsys/config.toml for a user's. That it is not there is no error,
// unless it was asked for by name.
//
//	name = "beta"
//	peer = ["192.0.2.7:8145"]
//
//	[export]
//	files = "/srv/files"
//
// Keys that there are not, values of another kind and paths that are not absolute
// are errors that name file, line and column.
//
// # Limits
//
// One file is read, not both. A list of flags replaces that of the file.
package settings
