package browser

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	cdplog "github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"hnetsmpp/smppserv/testkit"
)

const (
	chromiumInstall = "apt-get install chromium"
	axeFolder       = "testdata/axe"
	axeInstall      = "npm ci --prefix smppserv/browser/testdata/axe"
	pictures        = "BROWSER_PICTURES"
	patience        = 30 * time.Second
)

// A look is how a page is looked at.
type look struct {
	Language string // en, fr
	Scheme   string // light, dark
	Width    int64  // points
}

func (l look) String() string { return fmt.Sprintf("%s-%s-%d", l.Language, l.Scheme, l.Width) }

// chromium is one browser for all tests.
var chromium = sync.OnceValues(func() (context.Context, context.CancelFunc) {
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath("chromium"), chromedp.NoSandbox, chromedp.Flag("disable-dev-shm-usage", true))
	allocator, stop := chromedp.NewExecAllocator(context.Background(), options...)
	ctx, cancel := chromedp.NewContext(allocator)
	return ctx, func() { cancel(); stop() }
})

var started bool

func TestMain(m *testing.M) {
	code := m.Run()
	if started {
		_, stop := chromium()
		stop()
	}
	testkit.RemovePrograms()
	os.Exit(code)
}

// A tab is a page of the browser, as it is looked at.
type tab struct {
	t    *testing.T
	ctx  context.Context
	base string
	look look

	mu     sync.Mutex
	faults []string
}

// open opens a tab on a server. When the test ends, it fails for what the browser complained of and for requests to elsewhere.
func open(t *testing.T, base string, l look) *tab {
	t.Helper()
	testkit.Peer(t, "chromium", chromiumInstall)
	root, _ := chromium()
	if !started {
		started = true
		if err := chromedp.Do(root); err != nil {
			t.Fatalf("chromium does not start: %v", err)
		}
	}
	ctx, cancel := chromedp.NewContext(root, chromedp.WithNewBrowserContext()) // with cookies of its own
	t.Cleanup(cancel)
	b := &tab{t: t, ctx: ctx, base: base, look: l}
	host, err := url.Parse(base)
	if err != nil {
		t.Fatal(err)
	}
	if err := chromedp.Do(ctx); err != nil { // the tab lives as long as the context that it was opened with
		t.Fatalf("chromium opens no tab: %v", err)
	}
	if err := chromedp.Listen(ctx, b.listen); err != nil {
		t.Fatal(err)
	}
	b.do("the tab is set up",
		call(cdplog.Enable, cdp.Empty{}), call(network.Enable, network.EnableParams{}), call(runtime.Enable, cdp.Empty{}),
		call(network.SetExtraHTTPHeaders, network.SetExtraHTTPHeadersParams{Headers: network.Headers{"Accept-Language": l.Language}}),
		call(network.SetCookie, network.SetCookieParams{Name: "zone", Value: "Europe%2FParis", Domain: host.Hostname(), Path: "/"}),
		call(emulation.SetTimezoneOverride, emulation.SetTimezoneOverrideParams{TimezoneID: "Europe/Paris"}),
		call(emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{Width: l.Width, Height: 860, DeviceScaleFactor: 1, Mobile: l.Width < 600}),
		call(emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{
			{Name: "prefers-color-scheme", Value: l.Scheme}, {Name: "prefers-reduced-motion", Value: "reduce"}}}))
	t.Cleanup(func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		for _, fault := range b.faults {
			t.Errorf("%s: %s", l, fault)
		}
	})
	return b
}

func (b *tab) listen(event any) {
	switch e := event.(type) {
	case *runtime.EventExceptionThrown:
		b.fault("a script failed: %s", (&chromedp.ExceptionError{ExceptionDetails: e.ExceptionDetails}).Error())
	case *runtime.EventConsoleAPICalled:
		if e.Type == runtime.ConsoleAPICalledTypeError || e.Type == runtime.ConsoleAPICalledTypeWarning {
			b.fault("the console: %s", e.Args[0].Value)
		}
	case *cdplog.EventEntryAdded:
		if e.Entry.Level == cdplog.EntryLevelError && !strings.Contains(e.Entry.Text, "status of 40") {
			b.fault("the browser: %s (%s)", e.Entry.Text, e.Entry.URL)
		}
	case *network.EventRequestWillBeSent:
		if u := e.Request.URL; !strings.HasPrefix(u, b.base) && !strings.HasPrefix(u, "data:") && !strings.HasPrefix(u, "about:") {
			b.fault("a request to elsewhere: %s", u)
		}
	}
}

func (b *tab) fault(format string, args ...any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.faults = append(b.faults, fmt.Sprintf(format, args...))
}

// forgive forgets what the browser complained of so far: what a test causes on purpose.
func (b *tab) forgive() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.faults = nil
}

// call is a command of the protocol whose answer says nothing.
func call[P, R any](command cdp.Command[P, R], params P) chromedp.Action[chromedp.Void] {
	return func(ctx context.Context, t *chromedp.Target) (nothing chromedp.Void, err error) {
		_, err = cdp.Call(ctx, t, command, params)
		return nothing, err
	}
}

func (b *tab) do(what string, steps ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	if err := chromedp.Do(ctx, steps...); err != nil {
		b.t.Fatalf("%s: %s: %v", b.look, what, err)
	}
}

// visit opens a path and waits until its scripts have run.
func (b *tab) visit(path string) {
	b.t.Helper()
	b.do("open "+path, chromedp.Navigate(b.base+path), chromedp.WaitReady(chromedp.CSS("html.script, body:has(.login)")))
}

// see waits until something is to be seen.
func (b *tab) see(selector string) {
	b.t.Helper()
	b.do("see "+selector, chromedp.WaitVisible(chromedp.CSS(selector)))
}

// click clicks on what a selector finds.
func (b *tab) click(selector string) {
	b.t.Helper()
	b.do("click "+selector, chromedp.WaitVisible(chromedp.CSS(selector)), chromedp.Click(chromedp.CSS(selector)))
}

// await waits until an expression is true of the page, or of the one that comes in its place meanwhile.
func (b *tab) await(expression string) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	var err error
	if !testkit.Holds(ctx, func() bool {
		var is bool
		is, err = chromedp.Run(ctx, chromedp.Evaluate[bool](expression))
		return err == nil && is
	}) {
		b.picture("failed")
		b.t.Fatalf("%s: %s: not within %s (%v); %s says:\n%s", b.look, expression, patience, err, eval[string](b, "location.href"), b.text("main"))
	}
}

func read[T any](b *tab, what string, action chromedp.Action[T]) T {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	value, err := chromedp.Run(ctx, action)
	if err != nil {
		b.t.Fatalf("%s: %s: %v", b.look, what, err)
	}
	return value
}

// eval reads an expression of the page.
func eval[T any](b *tab, expression string) T {
	b.t.Helper()
	wait := true
	return read(b, "read "+expression, chromedp.Evaluate[T](expression, func(p *runtime.EvaluateParams) { p.AwaitPromise = &wait }))
}

// text is what is written in an element.
func (b *tab) text(selector string) string {
	b.t.Helper()
	s, err := json.Marshal(selector)
	if err != nil {
		b.t.Fatal(err)
	}
	return eval[string](b, "document.querySelector("+string(s)+")?.innerText ?? ''")
}

// fits fails when the page scrolls sideways.
func (b *tab) fits() {
	b.t.Helper()
	if wide := eval[int64](b, "document.documentElement.scrollWidth"); wide > b.look.Width {
		b.t.Errorf("%s: %s is %d points wide: %s", b.look, eval[string](b, "location.pathname"), wide,
			eval[string](b, `[...document.querySelectorAll('body *')].filter(e => e.getBoundingClientRect().right > innerWidth + 1).slice(0, 5).map(e => e.nodeName + '.' + e.className).join(' ')`))
	}
}

// axe fails for what axe-core finds to be serious.
func (b *tab) axe() {
	b.t.Helper()
	script, err := os.ReadFile(filepath.Join(axeFolder, "node_modules", "axe-core", "axe.min.js"))
	if err != nil {
		testkit.Missing(b.t, "axe-core", axeInstall)
	}
	read(b, "axe-core", chromedp.Evaluate[int](string(script)+";0"))
	type violation struct {
		ID, Impact, Help string
		Nodes            []struct{ HTML, FailureSummary string }
	}
	for _, v := range eval[[]violation](b, `axe.run(document, {resultTypes: ['violations']}).then(r => r.violations)`) {
		if v.Impact != "serious" && v.Impact != "critical" {
			continue
		}
		for _, n := range v.Nodes[:min(3, len(v.Nodes))] {
			b.t.Errorf("%s: %s: %s (%s): %s\n%s", b.look, eval[string](b, "location.pathname"), v.ID, v.Help, n.HTML, n.FailureSummary)
		}
	}
}

// picture keeps a picture of the whole page, where one is wanted.
func (b *tab) picture(name string) {
	b.t.Helper()
	folder := os.Getenv(pictures)
	if folder == "" {
		return
	}
	png := read(b, "a picture", chromedp.FullScreenshot(100))
	if err := os.MkdirAll(folder, 0o755); err != nil {
		b.t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(folder, name+"-"+b.look.String()+".png"), png, 0o644); err != nil {
		b.t.Fatal(err)
	}
}
