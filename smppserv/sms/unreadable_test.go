package sms

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/rs/zerolog"
)

func TestWhatCanBeReadIsReadInItsOrderAndOfTheRestEachIsTold(t *testing.T) {
	for _, damaged := range [][]ID{nil, {1}, {4, 5}, {1, 2, 3, 4, 5, 6, 7}} {
		ids := []ID{1, 2, 3, 4, 5, 6, 7}
		var told []ID
		ms, err := Readable(ids, func(ids []ID) (ms []*Message, err error) {
			for _, id := range ids {
				if slices.Contains(damaged, id) {
					return nil, fmt.Errorf("message %d: %w", id, ErrUnreadable)
				}
				ms = append(ms, &Message{ID: id})
			}
			return ms, nil
		}, func(id ID, err error) {
			if told = append(told, id); !errors.Is(err, ErrUnreadable) {
				t.Errorf("of %d %v is told", id, err)
			}
		})
		var got []ID
		for _, m := range ms {
			got = append(got, m.ID)
		}
		want := slices.DeleteFunc(ids, func(id ID) bool { return slices.Contains(damaged, id) })
		if err != nil || !slices.Equal(told, damaged) || !slices.Equal(got, want) {
			t.Errorf("with %v damaged: %v are read and %v told, %v", damaged, got, told, err)
		}
	}
	away := errors.New("the disk is away")
	if _, err := Readable([]ID{1, 2}, func([]ID) ([]*Message, error) { return nil, away }, nil); !errors.Is(err, away) {
		t.Errorf("a fault of the disk: %v", err)
	}
}

func TestARowThatCannotBeReadIsSaidOnceAndOfMoreThanAThousandThatThereAreMore(t *testing.T) {
	var log bytes.Buffer
	var u Unreadable
	for range 2 {
		for id := ID(1); id <= maxUnreadable+100; id++ {
			u.Say(zerolog.New(&log), id, ErrUnreadable, "it cannot be read")
		}
	}
	if lines := bytes.Count(log.Bytes(), []byte("\n")); lines != maxUnreadable+1 || len(u.said) != maxUnreadable+1 {
		t.Errorf("%d lines, %d are kept", lines, len(u.said))
	}
}
