package log

import (
	"context"
	"errors"
	"log/slog"
)

// keepLevel is the level from which a ring keeps records, even where the handler
// behind has them only from a higher one.
const keepLevel = slog.LevelInfo

// Handler returns a handler that gives its records to next, as far as next has
// that level enabled, and to r as lines of text: those, and all from slog.LevelInfo
// on.
func Handler(r *Ring, next slog.Handler) slog.Handler {
	return &handler{keep: slog.NewTextHandler(r, &slog.HandlerOptions{Level: slog.LevelDebug}), next: next}
}

// handler is two handlers, the ring's and the one behind.
type handler struct{ keep, next slog.Handler }

// Enabled tells whether a record of that level goes to one of the two.
func (h *handler) Enabled(ctx context.Context, level slog.Level) bool {
	return level >= keepLevel || h.next.Enabled(ctx, level)
}

// Handle gives the record to both. The error is that of next.
func (h *handler) Handle(ctx context.Context, record slog.Record) error {
	err := h.keep.Handle(ctx, record.Clone())
	if h.next.Enabled(ctx, record.Level) {
		err = errors.Join(err, h.next.Handle(ctx, record))
	}
	return err
}

// WithAttrs returns a handler whose records have attrs, too.
func (h *handler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return &handler{h.keep.WithAttrs(attrs), h.next.WithAttrs(attrs)}
}

// WithGroup returns a handler whose further attributes are in a group.
func (h *handler) WithGroup(name string) slog.Handler {
	return &handler{h.keep.WithGroup(name), h.next.WithGroup(name)}
}
