# Sourced by .ci/windows after windows-service.bash: the installer, as an administrator has it, under Wine's Windows Installer.
# Wine does not tell a version that it is removed for an upgrade (UPGRADINGPRODUCTCODE): one step does so in its place.

# msi WHAT VERSION [PROPERTY=VALUE…] installs (/i) or removes (/x).
msi() {
	local wine_time=180
	windows msiexec "$1" "Z:${tmp//\//\\}\\dist$2\\hnet-smpp-serv-$2-windows-amd64.msi" /qn "${@:3}"
}

serves_version() {
	launcher status --json && [[ $said == *'"state": "running"'* && $said == *"\"version\": \"$1 "* ]] && answers 2346
}

installer_steps() {
	local program_folder='HNET SMPP Serv' version kept
	local programs="$WINEPREFIX/drive_c/Program Files/$program_folder"
	data_folder="$WINEPREFIX/drive_c/ProgramData/HNET SMPP Serv"
	rm -rf "$data_folder"
	windows reg add 'HKCU\Software\Wine' /v Version /d win10 /f || fail 'not Windows 10'
	for version in 1.0.0 1.0.1; do
		GOFLAGS="-overlay=$tmp/overlay.json -modfile=$tmp/test.mod" go run ./pkg/release --skip-tests --arch amd64 --version "$version" --out "$tmp/dist$version" >/dev/null
	done

	service_step 'the installer installs, registers and starts it'
	msi /i 1.0.0 || fail 'not installed'
	await 60 'it serves' serves_version 1.0.0
	in_state RUNNING || fail "it is $(state)"
	for kept in smppserv.exe Smpp.xml README.md docs/hermes-interface.md config.default.toml; do
		[[ -s $programs/$kept ]] || fail "there is no $kept"
	done
	cmp config.toml "$data_folder/config.toml" || fail 'config.toml is not the shipped one'

	service_step 'an upgrade replaces the programs and keeps config.toml'
	echo '# ours' >>"$data_folder/config.toml"
	msi /i 1.0.1 || fail 'not upgraded'
	await 60 'it serves' serves_version 1.0.1
	grep -q '^# ours' "$data_folder/config.toml" || fail 'config.toml was overwritten'

	service_step 'an older version is refused'
	refused msi /i 1.0.0
	serves_version 1.0.1 || fail 'it serves no more'

	service_step 'a removal for an upgrade keeps the registration, and a config.toml that was moved'
	mkdir "$WINEPREFIX/drive_c/srv"
	mv "$data_folder/config.toml" "$WINEPREFIX/drive_c/srv/"
	data_folder=$WINEPREFIX/drive_c/srv
	launcher install --update --config 'C:\srv\config.toml' || fail 'not renewed'
	msi /x 1.0.1 UPGRADINGPRODUCTCODE=1 || fail 'not removed'
	in_state STOPPED || fail "it is $(state)"
	[[ ! -e $programs ]] || fail 'programs are left'

	service_step 'a faulty config.toml does not undo an installation'
	sed -i 's/^listen_port = 2346/lisen_port = 2346/' "$data_folder/config.toml"
	msi /i 1.0.0 || fail 'not installed'
	in_state PAUSED || fail "it is $(state)"
	[[ $(status config) == 'C:\\srv\\config.toml' ]] || fail 'it has another configuration'
	sed -i 's/^lisen_port = 2346/listen_port = 2346/' "$data_folder/config.toml"
	await 60 'it serves' serves_version 1.0.0

	service_step 'a removal leaves configuration, data and logs, and nothing else'
	msi /x 1.0.0 || fail 'not removed'
	refused windows sc query "$service"
	[[ ! -e $programs ]] || fail 'programs are left'
	silent 2346 || fail 'somebody still answers'
	for kept in config.toml data/messages.db logs/launcher.log logs/smppserv.log; do
		[[ -s $data_folder/$kept ]] || fail "$kept is gone"
	done
	service_step ''
}
