package guard

import (
	"sort"
	"strings"
	"testing"
)

func TestAPanicIsKeptWithItsStackAndWithoutWhatAPeerSent(t *testing.T) {
	if got := Do(func() {}); got != nil {
		t.Errorf("%+v", got)
	}
	text := "private text"
	got := Do(func() { text = cut(text, len(text)) })
	if got == nil || !strings.Contains(got.Error(), "out of range") || !strings.Contains(got.Stack, "guard.cut guard_test.go:") ||
		strings.Contains(got.Stack, "guard.Do") || strings.Contains(got.Stack, "testing.") {
		t.Errorf("%+v", got)
	}
	got = Do(func() { panic(text) })
	if got == nil || got.What != "string" || strings.Contains(got.Stack+got.Error(), "private") {
		t.Errorf("%+v", got)
	}
}

func cut(s string, n int) string { return s[:n+1] }

func TestAPanicInADeferredCallIsKeptToo(t *testing.T) {
	got := Do(func() {
		defer func() { t.Log(cut("", 0)) }()
		panic("the first one")
	})
	if got == nil || !strings.Contains(got.What, "out of range") || !strings.Contains(got.Stack, "guard.cut") {
		t.Errorf("%+v", got)
	}
}

func TestOfDeepRecursionOnlySoMuchIsKept(t *testing.T) {
	var deep func(n int) int
	deep = func(n int) int {
		if n == 0 {
			return len(cut("", 0))
		}
		return deep(n-1) + 1
	}
	got := Do(func() { deep(10 * maxFrames) })
	if n := strings.Count(got.Stack, "\n"); n > maxFrames || !strings.Contains(got.Stack, "guard.cut") {
		t.Errorf("%d calls: %+v", n, got)
	}
}

func TestAPanicBelowWhatAllShareIsNotKept(t *testing.T) {
	defer func(names []string) { shared = names }(shared)
	shared = []string{"sort."}
	defer func() {
		if said := recover(); said != "compared" {
			t.Errorf("the panic is %v", said)
		}
	}()
	got := Do(func() { sort.Slice([]int{1, 2, 3}, func(int, int) bool { panic("compared") }) })
	t.Errorf("kept: %+v", got)
}
