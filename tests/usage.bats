#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
# What the tools say of themselves: --help, and the shells' completions made of it.
# run_code leaves $output.
# shellcheck disable=SC2154

load helpers

TOOLS="ss-run ss-catalog ss-hash ss-verify ss-prune ss-report"

setup() {
	once "about words, not the catalog"
	cd "$BATS_TEST_TMPDIR" || return
	if [[ ${SS_INSTALLED:-0} == 1 ]]; then
		BASH_COMPLETIONS=/usr/share/bash-completion/completions
		ZSH_COMPLETIONS=/usr/share/zsh/vendor-completions
	else
		BASH_COMPLETIONS=$SS_BIN/completion/bash
		ZSH_COMPLETIONS=$SS_BIN/completion/zsh
	fi
}

@test "every --help fits a terminal of 24 lines by 80 columns" {
	local tool line
	for tool in $TOOLS; do
		run_ok "$tool" --help
		[ "${#lines[@]}" -ge 6 ]
		# One line is the prompt's.
		mapfile -t lines <<<"$output"
		[ "${#lines[@]}" -le 23 ]
		for line in "${lines[@]}"; do
			[ "${#line}" -le 80 ]
		done
	done
}

@test "every option of the tables is in --help, and taken" {
	local tool long short arg text seen=0 help code=2
	local -a all
	for tool in $TOOLS; do
		help=$("$tool" --help)
		all=()
		while IFS=$'\x1f' read -r long short arg text; do
			[ -n "$text" ]
			[[ -z $long || $help =~ --$long([ =|,$'\n']|$) ]]
			[[ -z $short || $help =~ -$short([ |,$'\n']|$) ]]
			# A number is a word, too.
			[[ -z $arg ]] || arg="=1"
			[[ $long != autoverify ]] || arg="=yes"
			[[ -z $long || $long == help || $long == version ]] || all+=("--$long$arg")
			seen=$((seen + 1))
		done < <("$tool" --list-options | tr '\t' '\037')
		# --version comes last: all before it must be known.
		run_ok "$tool" "${all[@]}" --version
		contains "$output" "^$tool "
		# A plugin of Nagios says that it is unknown.
		[[ $tool != ss-report ]] || code=3
		run_code "$code" "$tool" "${all[@]}" --no-such-option --version
	done
	[ "$seen" -ge 50 ]
}

# complete_bash WORD...: what bash offers for the last of them.
complete_bash() {
	bash -c '
		. "$1/$2" || exit
		COMP_WORDS=("${@:2}")
		COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
		"_${2//-/_}" "$2" "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
		printf "%s\n" "${COMPREPLY[@]}"
	' bash "$BASH_COMPLETIONS" "$@"
}

@test "bash offers every option, and no other" {
	local tool
	for tool in $TOOLS secondshot; do
		{ complete_bash "$tool" --; complete_bash "$tool" - | grep -v ^--; } | sort >offered
		"$tool" --list-options | tr '\t' '\037' | while IFS=$'\x1f' read -r long short arg _; do
			[[ -z $long ]] || printf -- '--%s%s\n' "$long" "${arg:+=}"
			[[ -z $short ]] || printf -- '-%s\n' "$short"
		done | sort >wanted
		cmp offered wanted
		[ "$(wc -l <wanted)" -ge 9 ]
	done
}

@test "bash offers the words an argument can be, files, and verbs" {
	local verb
	[ "$(complete_bash ss-run --log-level = | tr '\n' ' ')" = "none error warn info debug " ]
	[ "$(complete_bash ss-run --log-level = d)" = debug ]
	[ "$(complete_bash ss-run --autoverify y)" = yes ]
	[ "$(complete_bash ss-hash --read = m)" = media ]
	[ "$(complete_bash ss-hash --hashtype = sha512 | tr '\n' ' ')" = "sha512 sha512-256 " ]
	[ "$(complete_bash ss-catalog --status c)" = complete ]
	[ "$(complete_bash secondshot --action = | tr '\n' ' ')" = "start rotate schema-update " ]
	: >"a file"
	[ "$(complete_bash ss-run --config = "a ")" = "a file" ]
	[ "$(complete_bash ss-hash "a ")" = "a file" ]
	[ -z "$(complete_bash ss-run --db-url = "a ")" ]
	for verb in $(complete_bash ss-catalog ""); do
		run ss-catalog --config=/nonexistent/conf "$verb"
		lacks "$output" 'no such verb'
		echo "$verb"
	done >verbs
	[ "$(wc -l <verbs)" -ge 11 ]
	grep -qx init verbs
}

@test "zsh takes the completions, and offers what bash offers" {
	requires zsh
	local tool
	for tool in $TOOLS secondshot; do
		zsh -n "$ZSH_COMPLETIONS/_$tool"
	done
	# A real line editor on a terminal of its own.
	cat >try <<-'END'
		zmodload zsh/zpty
		zpty it zsh -f -i
		zpty -w it "PS1= fpath=($1 \$fpath); autoload -Uz compinit; compinit -u -d $PWD/dump; path=(${(j: :)path})
			zstyle ':completion:*' list-prompt ''; LISTMAX=9999; echo re'a'dy"
		zpty -r it said $'*ready*'
		zpty -n -w it "ss-run --log-level=d"$'\t'
		zpty -r it said $'*--log-level=debug*' && print -r -- level
		zpty -n -w it $'\025'"ss-catalog rec"$'\t'
		zpty -r it said $'*reconcile*' && print -r -- verb
		zpty -n -w it $'\025'"ss-verify --struc"$'\t'
		zpty -r it said $'*--structure*' && print -r -- option
		zpty -d it
	END
	run_ok zsh -f try "$ZSH_COMPLETIONS"
	[ "${lines[*]}" = "level verb option" ]
}

@test "what is asked for cannot be written" {
	run_code 2 bash -c 'ss-run --help >/dev/full'
	run_code 2 bash -c 'ss-hash --list-options >/dev/full'
}
