package store

import (
	"fmt"
	"testing"
)

func TestRowsKeepTheirOwnValuesWhereTheyDifferFromTheRowBefore(t *testing.T) {
	var b boxes
	for range 2 {
		b.reset(4)
		for _, row := range []struct {
			n    int64
			s, o string
		}{{1, "a", "x"}, {1, "a", "x"}, {2, "b", "y"}, {2, "a", "y"}, {3, "", ""}, {0, "c", "x"}} {
			b.int(row.n)
			b.text(row.s)
			b.blob([]byte(row.o))
			b.null()
		}
		if got, want := fmt.Sprintf("%v", b.values), "[1 a [120] <nil> 1 a [120] <nil> 2 b [121] <nil> 2 a [121] <nil> 3  [] <nil> 0 c [120] <nil>]"; got != want {
			t.Errorf("%s, want %s", got, want)
		}
		b.reset(0) // values that do not come in rows
		for n := range int64(3) {
			b.int(n / 2)
		}
		if got := fmt.Sprint(b.values); got != "[0 0 1]" {
			t.Error(got)
		}
	}
}
