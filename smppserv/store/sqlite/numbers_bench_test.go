package sqlite_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"hnetsmpp/smppserv/sms"
	"hnetsmpp/smppserv/store/storetest"
)

// BenchmarkNumbers is of a store that an earlier version filled with messages of ten days from a million numbers: its first start,
// the next one, and what is looked up by number.
func BenchmarkNumbers(b *testing.B) {
	for _, n := range []int{1_000_000, 10_000_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			if n > 1_000_000 && testing.Short() {
				b.Skip("it stores ten million messages")
			}
			numbersOf(b, n)
		})
	}
}

func numbersOf(b *testing.B, n int) {
	const numbers, days = 1_000_000, 10
	file := filepath.Join(b.TempDir(), "messages.db")
	old(b, file, n)
	begin := time.Now().Add(-days * 24 * time.Hour)
	db, err := sql.Open("sqlite", file)
	if err == nil {
		_, err = db.Exec("UPDATE messages SET source = printf('336%08d', id * 7919 % ?), received_at = ? + id * ? / ?", numbers, begin.UnixMilli(), days*24*3600_000, n)
	}
	if err == nil {
		err = db.Close()
	}
	if err != nil {
		b.Fatal(err)
	}
	began := time.Now()
	s := must(b, file)
	b.Logf("the first start takes %v", time.Since(began))
	time.Sleep(time.Second)
	if err := s.Close(context.Background()); err != nil {
		b.Fatal(err)
	}
	began = time.Now()
	s = must(b, file)
	defer s.Close(context.Background())
	b.Logf("the next one takes %v", time.Since(began))
	i := 0
	number := func() string { i += 7877; return fmt.Sprintf("336%08d", i%numbers) }
	campaign := storetest.Sample().Dest.Number
	ctx := context.Background()
	b.Run("the last writer", func(b *testing.B) {
		for b.Loop() {
			if _, ok, err := s.LastWriter(ctx, number(), campaign); err != nil || !ok {
				b.Fatal(ok, err)
			}
		}
	})
	b.Run("nobody", func(b *testing.B) {
		for b.Loop() {
			if _, ok, err := s.LastUse(ctx, "nobody", number()); err != nil || ok {
				b.Fatal(ok, err)
			}
		}
	})
	full := errors.New("enough")
	for _, k := range []struct {
		what   string
		number func() string
	}{{"a number and a day", number}, {"a campaign's hundred and a day", func() string { return campaign }}} {
		b.Run(k.what, func(b *testing.B) {
			for b.Loop() {
				rows, from := 0, begin.Add(time.Duration(i%days)*24*time.Hour)
				err := s.ByNumber(ctx, k.number(), from, from.Add(24*time.Hour), 0, func(*sms.Message) error {
					if rows++; rows == 100 {
						return full
					}
					return nil
				})
				if err != nil && !errors.Is(err, full) {
					b.Fatal(err)
				}
			}
		})
	}
}
