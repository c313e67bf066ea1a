package executive

import "syscall"

// setLinks sets the number of links, a field whose type differs from one
// processor type to the other.
func setLinks(st *syscall.Stat_t, n uint64) { setNumber(&st.Nlink, n) }

func setNumber[T uint32 | uint64](field *T, n uint64) { *field = T(n) }
