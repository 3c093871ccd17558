# Sourced by the scripts here: a Wine prefix of its own, in which Windows programs made by Go run.
# It needs wine64 and a C compiler for Windows. Nothing stays behind.

tmp=$(mktemp -d)
wine_folder=/usr/lib/wine # Debian's, not on the PATH
export WINEPREFIX=$tmp/prefix WINEARCH=win64 WINEDEBUG=-all WINEDLLOVERRIDES='mscoree,mshtml=' DISPLAY=
export LC_ALL=C.UTF-8 # file names beyond ASCII

finish() {
	local code=$?
	if [[ -d $WINEPREFIX ]]; then
		stop_wine || true
	fi
	rm -rf "$tmp"
	exit "$code"
}
trap finish EXIT

# Prints the first of these programs that is here.
program() {
	local name
	for name; do
		PATH="$PATH:$wine_folder" command -v "$name" && return
	done
	echo "missing: $*" >&2
	return 1
}

# Without it Wine ends, and its services with it, when nothing but a waiting service runs.
start_wine() {
	local server
	server=$(program wineserver64 wineserver)
	"$server" -p
}

# Ends every process of our prefix, and of no other.
stop_wine() {
	local server
	server=$(program wineserver64 wineserver)
	"$server" -k
	timeout 120 "$server" -w || { # on a machine that is busy they take their time
		echo "Wine's processes did not end in 120 s" >&2
		return 1
	}
}

# run_under_wine LOG SECONDS COMMAND… writes to a file, since Wine's daemons would hold a pipe open.
run_under_wine() {
	local log=$1 limit=$2
	shift 2
	timeout -k 10 "$limit" "$wine" "$@" >"$log" 2>&1 </dev/null
}

# Go's random numbers come from ProcessPrng, which older Wine lacks.
add_process_prng() {
	local dll=$WINEPREFIX/drive_c/windows/system32/bcryptprimitives.dll
	if [[ -e $dll ]]; then
		return
	fi
	cat >"$tmp/prng.c" <<'C'
#include <windows.h>
BOOLEAN NTAPI SystemFunction036(PVOID, ULONG);
__declspec(dllexport) BOOL WINAPI ProcessPrng(PBYTE p, SIZE_T n) { return SystemFunction036(p, (ULONG)n); }
C
	"$(program x86_64-w64-mingw32-gcc)" -shared -O2 -o "$dll" "$tmp/prng.c" -ladvapi32
}

# replaced SOURCE COPY SED-SCRIPT makes a copy that must differ.
replaced() {
	sed "$3" "$1" >"$2"
	if cmp -s "$1" "$2"; then
		echo "nothing to replace in $1"
		return 1
	fi
}

# What Wine does otherwise than Windows, for test builds alone, which take "${test_build[@]}": it lacks the file deletion
# that Go tries first (Go's own way round it is for old versions of Windows), and its services do not run in session 0.
make_test_build() {
	local delete sys
	delete=$(go env GOROOT)/src/internal/syscall/windows/at_windows.go
	replaced "$delete" "$tmp/at_windows.go" 's/^\tif TestDeleteatFallback {$/\tif true {/'
	printf '{"Replace": {"%s": "%s"}}\n' "$delete" "$tmp/at_windows.go" >"$tmp/overlay.json"

	go mod download golang.org/x/sys
	sys=$(go list -m -f '{{.Dir}}' golang.org/x/sys)
	cp -r --no-preserve=mode "$sys" "$tmp/sys"
	replaced "$sys/windows/svc/security.go" "$tmp/sys/windows/svc/security.go" 's/parentProcess.SessionID == 0 && //'
	cp go.mod "$tmp/test.mod"
	cp go.sum "$tmp/test.sum"
	go mod edit -replace "golang.org/x/sys=$tmp/sys" "$tmp/test.mod"
	test_build=(-overlay "$tmp/overlay.json" -modfile "$tmp/test.mod")
}

boot_wine() {
	wine=$(program wine64 wine)
	make_test_build
	run_under_wine "$tmp/boot.log" 120 wineboot -i || {
		cat "$tmp/boot.log"
		return 1
	}
	add_process_prng
	stop_wine # the service control manager of a first boot loses new services
	start_wine
}
