package road

import "context"

// Ask is what another worker on the store asks for, and until when that one waits: what is done for it is on disk before, with its answer in the
// same transaction, or not at all.
type Ask struct {
	ID     int64
	Answer []byte // that it is done
}

type (
	askKey    struct{}
	answerKey struct{}
)

// WithAsk is a context for what is done for an ask.
func WithAsk(ctx context.Context, id int64) context.Context {
	return context.WithValue(ctx, askKey{}, id)
}

// WithAnswer has what is done for an ask answered so, when that many messages were changed.
func WithAnswer(ctx context.Context, answer func(n int) []byte) context.Context {
	return context.WithValue(ctx, answerKey{}, answer)
}

// AskOf is the ask that n messages are changed for, nil = nobody else asks.
func AskOf(ctx context.Context, n int) *Ask {
	id, asked := ctx.Value(askKey{}).(int64)
	answer, answered := ctx.Value(answerKey{}).(func(n int) []byte)
	if !asked || !answered {
		return nil
	}
	return &Ask{id, answer(n)}
}
