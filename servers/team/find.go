package team

import (
	"cmp"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"vsys/ipc"
	"vsys/naming"
	"vsys/program"
)

// refuse returns why something can't be started.
func refuse(part program.Part, err error) *program.Refusal {
	return &program.Refusal{Part: part, Code: naming.CodeOf(err)}
}

// directory returns the Unix path of the working directory.
func (s *Server) directory(name string) (string, *program.Refusal) {
	if name == "" {
		if home, err := os.UserHomeDir(); err == nil {
			return home, nil
		}
		return "/", nil
	}
	path, ok := s.mapPath(name)
	if !ok {
		return "", refuse(program.PartDirectory, ipc.CrossServer)
	}
	info, err := os.Stat(path)
	if err == nil && !info.IsDir() {
		err = ipc.NotAContext
	}
	if err != nil {
		return "", refuse(program.PartDirectory, err)
	}
	return path, nil
}

// locate returns the Unix path of the program file of spec, whose working
// directory is dir, after a look at whether this host can run it.
func (s *Server) locate(spec *program.Spec, dir string) (string, *program.Refusal) {
	if spec.Path == program.Own && s.Program != "" {
		return s.Program, nil
	}
	if strings.Contains(spec.Path, "/") {
		path := s.unixPath(spec, dir)
		return path, executable(path)
	}
	search := cmp.Or(spec.Search, variable(spec.Env, "PATH"), os.Getenv("PATH"))
	why := &program.Refusal{Code: ipc.NotFound}
	for _, d := range filepath.SplitList(search) {
		path := filepath.Join(absolute(d, dir), spec.Path)
		r := executable(path)
		if r == nil {
			return path, nil
		}
		if why.Code == ipc.NotFound { // of all that is wrong the first thing counts
			why = r
		}
	}
	return "", why
}

// unixPath returns the path of a program that is named with slashes.
func (s *Server) unixPath(spec *program.Spec, dir string) string {
	if !filepath.IsAbs(spec.Path) {
		return filepath.Join(dir, spec.Path)
	}
	if clean, err := naming.Clean(spec.Path); err == nil {
		if path, ok := s.mapPath(clean); ok {
			return filepath.Clean(path)
		}
	}
	return spec.Path
}

// absolute returns path as seen from dir.
func absolute(path, dir string) string {
	if filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(dir, path)
}

// variable returns what the environment says of a name, the last time.
func variable(env []string, name string) (value string) {
	for _, e := range env {
		if v, ok := strings.CutPrefix(e, name+"="); ok {
			value = v
		}
	}
	return value
}

// executable returns why the file at path can't be run on this host: NotFound,
// NotExecutable, what opening it says.
func executable(path string) *program.Refusal {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return refuse(program.PartProgram, ipc.NotFound)
	case naming.CodeOf(err) == ipc.NotAContext:
		return refuse(program.PartProgram, ipc.NotFound)
	case err != nil:
		return refuse(program.PartProgram, err)
	case !info.Mode().IsRegular() || info.Mode().Perm()&0o111 == 0:
		return refuse(program.PartProgram, ipc.NotExecutable)
	}
	f, err := os.Open(path)
	if err != nil { // it may be executable and not readable
		return nil
	}
	defer f.Close()
	header := make([]byte, program.ELFHeader)
	n, err := io.ReadFull(f, header)
	if err != nil && n == 0 {
		return refuse(program.PartProgram, ipc.NotExecutable)
	}
	if m := program.FileMachine(header[:n]); m != 0 && !m.Native() {
		return &program.Refusal{Machine: m, Code: ipc.NotExecutable}
	}
	return nil
}
