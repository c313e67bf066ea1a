package settings

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"reflect"
	"strings"

	"github.com/pelletier/go-toml/v2"

	"vsys/ipc"
	"vsys/node"
)

// fileType is what the decoder fills: a struct with a field for each row of the
// table, a pointer that is nil if the file does not have the key. plainType is the
// same with strings for all that is written as text: only of a value that is of
// another kind where text is wanted does the decoder then say where it is.
var fileType, plainType = structOf(func(t reflect.Type) reflect.Type { return t }), structOf(plain)

// structOf makes a struct of the table, each field of a type made from its own.
func structOf(as func(reflect.Type) reflect.Type) reflect.Type {
	fields := make([]reflect.StructField, len(Table))
	for i, s := range Table {
		fields[i] = reflect.StructField{
			Name: fmt.Sprint("F", i), Type: reflect.PointerTo(as(reflect.TypeOf(s.field(new(Values))).Elem())),
			Tag: reflect.StructTag(fmt.Sprintf("toml:%q", s.Key)),
		}
	}
	return reflect.StructOf(fields)
}

// plain returns t with text in the place of what is written as text.
func plain(t reflect.Type) reflect.Type {
	switch t.Kind() {
	case reflect.Slice:
		return reflect.SliceOf(plain(t.Elem()))
	case reflect.Map:
		return reflect.MapOf(t.Key(), plain(t.Elem()))
	case reflect.Bool:
		return t
	}
	return reflect.TypeFor[string]()
}

// read takes the settings of a file. One that is optional may be missing.
func (s *Settings) read(file string, optional bool) error {
	data, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) && optional {
		return nil
	}
	if err != nil {
		return fmt.Errorf("configuration: %w", err)
	}
	s.File = file
	into := reflect.New(fileType)
	for _, v := range []reflect.Value{reflect.New(plainType), into} {
		d := toml.NewDecoder(bytes.NewReader(data)).DisallowUnknownFields()
		if err := d.Decode(v.Interface()); err != nil {
			return &node.Refusal{Err: at(file, err), Try: "vsys config explain KEY says what a key takes; vsys config lists them"}
		}
	}
	for i, row := range Table {
		if field := into.Elem().Field(i); !field.IsNil() {
			reflect.ValueOf(row.field(&s.Values)).Elem().Set(field.Elem())
			s.sources[row.Key] = file
		}
	}
	return nil
}

// at says where in the file something is wrong. BadArgs.
func at(file string, err error) error {
	var missing *toml.StrictMissingError
	var decode *toml.DecodeError
	switch {
	case errors.As(err, &missing) && len(missing.Errors) > 0:
		line, column := missing.Errors[0].Position()
		key := strings.Join(missing.Errors[0].Key(), ".")
		return fmt.Errorf("%s:%d:%d: there is no key %q: %w", file, line, column, key, ipc.BadArgs)
	case errors.As(err, &decode):
		line, column := decode.Position()
		why := strings.TrimSuffix(strings.TrimPrefix(decode.Error(), "toml: "), ": "+ipc.BadArgs.Error())
		return fmt.Errorf("%s:%d:%d: %s: %w", file, line, column, why, ipc.BadArgs)
	}
	return fmt.Errorf("%s: %w: %w", file, err, ipc.BadArgs)
}
