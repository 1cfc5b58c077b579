# bash completion for Waybill's programs. It knows none of their commands: it asks the
# program itself (`PROG --list-options [COMMAND]`: tab-separated kind, name, argument, help).

# _waybill_names PROG KIND [COMMAND WORD...]: the commands or options there are
_waybill_names()
{
	local program=$1 wanted=$2 kind name rest
	shift 2
	"$program" --list-options "$@" 2>/dev/null |
		while IFS=$'\t' read -r kind name rest; do
			[[ $kind != "$wanted" ]] || printf '%s\n' "$name"
		done
}

# _waybill_takes_argument PROG OPTION [COMMAND WORD...]
_waybill_takes_argument()
{
	local program=$1 option=$2
	shift 2
	{
		"$program" --list-options
		"$program" --list-options "$@"
	} 2>/dev/null | grep "^option	$option	[^	]" >/dev/null
}

_waybill()
{
	local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]} program=$1
	local word command=() commands name candidates=()
	COMPREPLY=()
	commands=$(_waybill_names "$program" command)

	# The words before the cursor that make up the command: "site add".
	for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
		[[ $word != -* ]] || continue
		grep -q -E "^${command[*]:+${command[*]} }${word//[^a-z0-9-]/.}( |$)" \
			<<<"$commands" || continue
		command+=("$word")
	done

	if _waybill_takes_argument "$program" "$prev" "${command[@]}"; then
		compopt -o default
		return
	fi
	if [[ $cur == -* ]]; then
		mapfile -t candidates < <({
			_waybill_names "$program" option
			_waybill_names "$program" option "${command[@]}"
		} | sort -u)
	else
		# The next word of each command that begins with what is there.
		while read -r name; do
			name=" $name "
			[[ $name == " ${command[*]:+${command[*]} }"* ]] || continue
			name=${name#" ${command[*]:+${command[*]} }"}
			name=${name%% *}
			[[ " ${candidates[*]} " == *" $name "* ]] || candidates+=("$name")
		done <<<"$commands"
	fi
	mapfile -t COMPREPLY < <(compgen -W "${candidates[*]}" -- "$cur" || true)
	[[ ${#COMPREPLY[@]} -gt 0 || $cur == -* ]] || compopt -o default
}

complete -F _waybill appliance imagepkg imagerepo pkgmgr siteusb vnc-replay vncagent vncproxyctl \
	vncproxyd waybill-connect waybill-host-check waybill-hostconfig
