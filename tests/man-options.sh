#!/bin/bash
# What a program can do is in its man page, and what is in its man page it can do. The
# program's side comes from its command table (--list-options).
. "${top_srcdir:-$(dirname "$0")/..}/tests/lib/lib.sh"
need mandoc
wrong=0

complain()
{
	echo "$*" >&2
	wrong=1
}

# options_of PROGRAM: all long options, of the program and of each of its commands
options_of()
{
	local command
	{
		"$1" --list-options
		while read -r command; do
			# shellcheck disable=SC2086 # "site add" is two words
			"$1" --list-options $command
		done < <(commands_of "$1")
	} | awk -F'\t' '$1 == "option" { print $2 }' | sort -u
}

commands_of()
{
	"$1" --list-options | awk -F'\t' '$1 == "command" { print $2 }'
}

# check_page PROGRAM PAGE
check_page()
{
	local program=$1 page=$2 word
	mandoc -T lint -W warning "$page" >&2 || complain "$page: lint"
	mandoc -T ascii -O width=200 "$page" | sed 's/.\x08//g' >text
	options_of "$program" >options
	commands_of "$program" >commands
	[ -s options ] || fail "$program --list-options prints no option"
	while read -r word; do
		grep -qE -e "(^|[^a-z-])$word([^a-z-]|\$)" text || complain "$page lacks $word"
	done <options
	while read -r word; do
		grep -qE "(^|[^a-z-])$word([^a-z-]|\$)" text || complain "$page lacks $program $word"
	done <commands
	# Options of other programs stand in EXAMPLES and in running text, so only those
	# that begin an entry count: "--root DIR", "-q, --quiet".
	{ grep -oE '^ +(-[a-zA-Z], )?--[a-z-]+' text || true; } | grep -oE -e '--[a-z-]+' |
		sort -u >documented
	while read -r word; do
		complain "$page has $word, which $program does not know"
	done < <(comm -13 options documented)
	[ -s documented ] || complain "$page has no entry for any option"
}

for program in appliance imagepkg imagerepo pkgmgr pkgmgrd siteusb vnc-replay vncagent vncproxyctl vncproxyd waybill-connect waybill-host-check waybill-hostconfig; do
	page=("$top_srcdir"/docs/man/"$program".[18])
	[ -e "${page[0]}" ] || { complain "$program has no man page"; continue; }
	note "$program"
	check_page "$program" "${page[0]}"
done
[ $wrong = 0 ] || fail "see above"
