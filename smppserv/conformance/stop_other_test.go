//go:build !unix

package conformance

import "os"

// stopSignal: where there is no polite signal to another process, the worker sees the end of its launcher.
var stopSignal = os.Kill
