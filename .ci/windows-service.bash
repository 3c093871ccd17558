# Sourced by .ci/windows: the service, as an administrator has it, under Wine's service control manager.

service=HNET_SMPP_Serv
program_folder='HNET Serveur été'
wine_time=60 # seconds that one command may take

# windows COMMAND… runs one under Wine; what it said is in $said. Its exit code is the function's.
windows() {
	local code=0
	run_under_wine "$tmp/said" "$wine_time" "$@" || code=$?
	said=$(tr -d '\r' <"$tmp/said")
	return "$code"
}

launcher() { windows "C:\\Program Files\\$program_folder\\launcher.exe" "$@"; }
smppserv() { windows "C:\\Program Files\\$program_folder\\smppserv.exe" "$@"; }

fail() {
	printf 'FAIL\t%s: %s\n%s\n' "$step" "$1" "${said-}"
	tail -n 20 "$data_folder"/logs/launcher.log 2>/dev/null || true
	exit 1
}

# says TEXT… fails unless the last command said each of them.
says() {
	local text
	for text; do
		[[ $said == *"$text"* ]] || fail "no \"$text\""
	done
}

refused() {
	if "$@"; then
		fail "was not refused: $*"
	fi
}

state() {
	windows sc query "$service" || true
	sed -n 's/.*STATE *: [0-9]* *\([A-Z_]*\).*/\1/p' <<<"$said"
}

# The account that the service control manager has the service run under. Wine keeps it where Windows does; its sc cannot tell.
account() {
	windows reg query "HKLM\\System\\CurrentControlSet\\Services\\$service" /v ObjectName || true
	sed -n 's/^ *ObjectName *REG_SZ *//p' <<<"$said"
}

# await SECONDS WHAT COMMAND… polls until the command succeeds.
await() {
	local end=$((SECONDS + $1)) what=$2
	shift 2
	until "$@"; do
		if ((SECONDS > end)); then
			fail "waited in vain until $what"
		fi
		sleep 0.1
	done
}

in_state() { [[ $(state) == "$1" ]]; }
answers() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }
silent() { ! answers "$1"; }

# The value of a key of launcher status --json.
status() {
	local code=0
	launcher status --json || code=$?
	((code == 0 || code == 5 || code == 6)) || return # 5 and 6: it does not serve
	sed -n "s/^ *\"$1\": //p" <<<"$said" | sed 's/,$//; s/^"\(.*\)"$/\1/'
}

reason_has() { [[ $(status last_reason) == *"$1"* ]]; }
serves() { [[ $(status state) == running ]] && answers 2346; }
another_serves() { serves && [[ $(status worker_pid) != "$1" ]]; }
none_left() { ! pgrep -f "$program_folder.*(launcher|smppserv)[.]exe" >/dev/null; }

service_step() {
	if [[ -n ${step-} ]]; then
		printf 'ok\tservice: %s\t%d s\n' "$step" $((SECONDS - step_began))
	fi
	step=$1
	step_began=$SECONDS
}

service_steps() {
	local root=$WINEPREFIX/drive_c holder worker
	data_folder="$root/ProgramData/HNET SMPP Serv"
	local config='C:\ProgramData\HNET SMPP Serv\config.toml'
	mkdir -p "$root/Program Files/$program_folder" "$data_folder"
	cp config.toml "$data_folder/"
	GOOS=windows GOARCH=amd64 CGO_ENABLED=0 go build "${test_build[@]}" -o "$root/Program Files/$program_folder/" ./launcher ./smppserv

	service_step 'install'
	refused launcher start
	says "the service $service is not installed"
	launcher install --config "$config" || fail 'refused'
	says "The service $service is installed for $config"
	in_state STOPPED || fail 'it is not stopped'
	refused launcher install --config "$config"
	says 'installed already' 'launcher install --update'
	launcher install --update || fail 'not renewed' # though the current folder has a config.toml, too
	says "for $config"
	refused launcher install --update --user 'nobody we know'
	says 'there is no account nobody we know'

	service_step 'not RUNNING while its port is held by another process'
	node -e 'require("net").createServer().listen(2346, "::", () => console.log("held"))' >"$tmp/holder" &
	holder=$!
	await 20 'the port is held' grep -q held "$tmp/holder"
	refused launcher start
	says 'a port or the store is held by another process' '2346'
	in_state PAUSED || fail "it is $(state)"
	[[ $(status service) == waiting ]] || fail 'status does not tell'
	kill "$holder"
	wait "$holder" 2>/dev/null || true

	service_step 'RUNNING when port 2346 answers'
	await 60 'it runs' in_state RUNNING
	answers 2346 || fail 'RUNNING, but nobody answers'
	launcher start || fail 'a running service cannot be started'
	says 'runs already'

	service_step 'smppserv.exe send gets its receipt'
	smppserv send --config "$config" --to 3600 --text 'Bonjour €' || fail 'not sent'
	says 'message_id' 'DELIVRD'
	smppserv reply --config "$config" --from 3600 --to 33612345678 --text ok || fail 'no reply'
	says 'accepted'

	service_step 'a killed worker is replaced within 5 s, and the log says why'
	worker=$(status worker_pid)
	windows taskkill /F /PID "$worker" || fail 'not killed'
	await 5 'another serves' another_serves "$worker"
	in_state RUNNING || fail "it is $(state)"
	grep -q '"reason":".*"message":"the worker has ended; it is started again in 1s"' "$data_folder/logs/launcher.log" || fail 'no reason in launcher.log'
	[[ -n $(status last_reason) ]] || fail 'status does not tell why'
	launcher start || fail 'it does not run'

	service_step 'a second launcher of the same configuration is refused'
	local code=0
	launcher run --config "$config" || code=$?
	((code == 4)) || fail "exit code $code"
	says 'another launcher, process'

	service_step 'a service waits for a launcher in a console, can be stopped, and goes on after it'
	launcher stop || fail 'does not stop'
	run_under_wine "$tmp/console" 120 "C:\\Program Files\\$program_folder\\launcher.exe" run --config "$config" &
	holder=$!
	await 30 'it serves in a console' serves
	refused launcher start
	says 'another launcher, process'
	in_state PAUSED || fail "it is $(state)"
	launcher stop || fail 'does not stop'
	refused launcher start
	windows taskkill /F /PID "$(status launcher_pid)" || fail 'not killed'
	await 30 'it runs' in_state RUNNING
	answers 2346 || fail 'RUNNING, but nobody answers'
	wait "$holder" || true

	service_step 'not RUNNING while smppserv.exe is missing'
	mv "$root/Program Files/$program_folder/smppserv.exe" "$tmp/"
	windows taskkill /F /PID "$(status worker_pid)" || fail 'not killed'
	await 15 'the reason is told' reason_has smppserv.exe
	in_state PAUSED || fail "it is $(state)"
	refused launcher start
	says 'smppserv.exe'
	mv "$tmp/smppserv.exe" "$root/Program Files/$program_folder/"
	await 30 'it runs' in_state RUNNING
	answers 2346 || fail 'RUNNING, but nobody answers'

	service_step 'a fault in config.toml is told, and mended without a restart of the service'
	launcher stop || fail 'does not stop'
	sed -i 's/^listen_port = 2346/lisen_port = 2346/' "$data_folder/config.toml"
	refused launcher start
	says 'server.lisen_port: unknown key; did you mean server.listen_port?'
	in_state PAUSED || fail "it is $(state)"
	[[ $(status state) == 'waiting for config.toml to change' && $(status last_reason) == *lisen_port* ]] || fail 'status does not tell'
	cp config.toml "$data_folder/"
	await 20 'it runs' in_state RUNNING
	answers 2346 || fail 'RUNNING, but nobody answers'

	service_step 'the worker ends with its launcher'
	windows taskkill /F /PID "$(status launcher_pid)" || fail 'not killed'
	await 10 'no process is left' none_left
	silent 2346 || fail 'somebody still answers'

	service_step 'the service starts with the system'
	stop_wine
	start_wine
	await 60 'it runs' in_state RUNNING
	answers 2346 || fail 'RUNNING, but nobody answers'

	service_step 'stop ends in STOPPED, and no process is left'
	windows sc stop "$service" || fail 'refused'
	await 45 'it is stopped' in_state STOPPED
	await 10 'no process is left' none_left
	silent 2346 || fail 'somebody still answers'

	service_step 'it runs under its virtual account, which needs no password, and has its rights'
	local virtual='NT SERVICE\HNET_SMPP_Serv'
	[[ $(account) == LocalSystem ]] || fail "it is $(account)"
	launcher install --update --config "$config" --user "$virtual" || fail 'refused' # a password would be read from stdin, where is none
	[[ $said == "The service $service is installed for $config. To start it: launcher start" ]] || fail 'it asks for a password, or not all rights were given'
	[[ $(account) == "$virtual" ]] || fail "it is $(account)"
	launcher start || fail 'does not start again'
	in_state RUNNING || fail "it is $(state)"
	launcher install --update || fail 'not renewed' # the account stays
	[[ $said != *warning* ]] || fail 'not all rights were given'
	[[ $(account) == "$virtual" ]] || fail "it is $(account)"
	refused launcher install --update --user 'NT SERVICE\another'
	says 'there is no account NT SERVICE\another'
	launcher install --update --user LocalSystem || fail 'not given back to the system'
	[[ $(account) == LocalSystem ]] || fail "it is $(account)"
	launcher uninstall || fail 'refused'
	launcher install --config "$config" --user "$virtual" || fail 'not installed under it from the first'
	[[ $said != *warning* && $(account) == "$virtual" ]] || fail "it is $(account)"

	service_step 'uninstall keeps configuration, data and logs'
	launcher uninstall || fail 'refused'
	refused windows sc query "$service"
	await 10 'no process is left' none_left
	refused launcher uninstall
	says 'is not installed'
	local kept
	for kept in config.toml data/messages.db logs/launcher.log logs/smppserv.log; do
		[[ -s $data_folder/$kept ]] || fail "$kept is gone"
	done
	service_step ''
}
