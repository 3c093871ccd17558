package adminapi

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

// errSilent is that a stream says no more that the server is there.
var errSilent = errors.New("the server says nothing any more")

// Changes calls each with the topics that have changed, until each returns an error, ctx ends or the server goes away. It is called
// first, without topics, when the stream stands: what is read from then on misses nothing.
func (r *Remote) Changes(ctx context.Context, each func(topics []string) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	silence := time.AfterFunc(silentTime, func() { cancel(errSilent) })
	defer silence.Stop()
	resp, err := r.send(ctx, http.MethodGet, "/events", nil, nil)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if !strings.HasPrefix(resp.Header.Get("Content-Type"), "text/event-stream") {
		return fmt.Errorf("%s: %w", r.base, ErrForeign)
	}
	if err := each(nil); err != nil {
		return err
	}
	lines := bufio.NewScanner(resp.Body) // a line is bounded
	for lines.Scan() {
		silence.Reset(silentTime)
		data, ok := strings.CutPrefix(lines.Text(), "data:")
		if !ok {
			continue
		}
		var said struct {
			Topics []string `json:"topics"`
		}
		if err := json.Unmarshal([]byte(data), &said); err != nil {
			return fmt.Errorf("%s: %w", r.base, ErrForeign)
		}
		if err := each(said.Topics); err != nil {
			return err
		}
	}
	if cause := context.Cause(ctx); cause != nil {
		return cause
	}
	if err := lines.Err(); err != nil {
		return err
	}
	return fmt.Errorf("%s: %w", r.base, io.ErrUnexpectedEOF)
}
