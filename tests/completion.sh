#!/bin/bash
# Bash completion offers a program's commands, their words one by one, and its options.
. "${top_srcdir:-$(dirname "$0")/..}/tests/lib/lib.sh"
. "$top_srcdir/completion/waybill.bash"

# A program with a command table that this test knows.
mkdir bin
cat >bin/imagerepo <<'PROGRAM'
#!/bin/sh
[ "$1" = --list-options ] || exit 2
case "$*" in
*" site add") printf 'option\t--key\tFILE\tits key\n' ;;
*" add") ;;
*)
	printf 'command\tadd\tFILE...\tadd\n'
	printf 'command\tsite add\tSITE\tadd\n'
	printf 'command\tsite list\t\tlist\n'
	printf 'option\t--json\t\tas JSON\n'
	printf 'option\t--repo\tDIR\twhere\n'
	;;
esac
PROGRAM
chmod +x bin/imagerepo
PATH=$T/bin:$PATH

# complete_line WORD...: what is offered for the last word
complete_line()
{
	COMP_WORDS=("$@")
	COMP_CWORD=$(($# - 1))
	compopt() { COMPREPLY=("<files>"); } # the builtin works only inside a completion
	_waybill "$1" "${*: -1}" "${*: -2:1}"
	echo "${COMPREPLY[*]}"
}

equal "$(complete_line imagerepo '')" "add site" "commands"
equal "$(complete_line imagerepo s)" "site" "beginning of a command"
equal "$(complete_line imagerepo site '')" "add list" "second words"
equal "$(complete_line imagerepo --repo x site a)" "add" "after an option"
equal "$(complete_line imagerepo site add -)" "--json --key --repo" "options"
equal "$(complete_line imagerepo site add --k)" "--key" "beginning of an option"
equal "$(complete_line imagerepo --repo '')" "<files>" "argument of an option"
equal "$(complete_line imagerepo add '')" "<files>" "argument of a command"

note "the real programs print what it needs, and each of them is completed"
PATH=${PATH#*:}
read -ra programs < <(sed -n 's/^PROGRAMS_COMPLETED = //p' "$top_srcdir/completion/Makefile.am")
for program in "${programs[@]}"; do
	[[ $(complete -p "$program") == *"-F _waybill "* ]] || fail "$program is not completed"
	[ "$(complete_line "$program" -- - | wc -w)" -ge 2 ] || fail "$program has no options"
done
for program in appliance imagepkg imagerepo pkgmgr siteusb vncagent vncproxyctl vncproxyd waybill-hostconfig; do
	[ "$(complete_line "$program" '' | wc -w)" -ge 2 ] || fail "$program offers nothing"
done
