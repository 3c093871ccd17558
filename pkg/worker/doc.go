// Package worker is what the launcher and the worker promise each other.
//
//	launcher                                   worker: run --config PATH --supervised
//	   │ stdin, held open ─────────────────────▶ end of file means: stop
//	   │ ◀───────────────────── stdout, one JSON line each
//	   │      {"event":"alive"}                  from the start on, every 5 s
//	   │      {"event":"ready",…}                once, when every port listens
//	   │      {"event":"erase","number":…}       when an operator has a number erased
//	   │ ──────────────────────────────────────▶ {"erased":…}: lines of the log files are gone
//	   │ ◀───────────────────── stderr: log lines, and stack traces in a crash
//	   │ ◀───────────────────── exit code
//
// The worker's half is Reporter and Launcher. A worker without --supervised
// uses neither. The launcher's half is Process; tests that drive the built
// program use it too.
package worker
