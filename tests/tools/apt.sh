# Runs apt with lists, a cache and sources of its own, for packages that the
# machine's apt does not offer: sources, another suite, another architecture.
# Nothing is installed and the machine's apt and dpkg stay as they are.
#
# To be sourced. The script that does so defines
#
#   here      the folder of this file
#   work      a folder to work in; the entries go into $work/entries, lists and
#             downloads into $work/apt, what apt-get says into $work/apt.log
#   base      the codename of the Debian release
#   foreign   the architecture of the packages, or empty for the machine's own
#   die       a function that reports its arguments and exits
#
# and calls debian_entries, write_entry for each that it wants, and then
# private_apt; or set_up_apt, which does all that for packages of the release.
# shellcheck shell=sh
# shellcheck disable=SC2154 # see above

# Prints those of the machine's apt entries that are Debian's own, for the suites
# $@ of the release ("" for the release itself), each as the file and the number
# of the entry, and a suite.
find_entries() {
	for suffix; do
		# shellcheck disable=SC2016 # these are for apt-get
		apt-get indextargets --format '$(SOURCESENTRY) $(RELEASE)' \
			'Created-By: Packages' 'Origin: Debian' \
			"Codename: $base$suffix" 'Component: main' | sort -u
	done
}

# The same, or dies. apt knows what is Debian's only when it has lists.
debian_entries() {
	entries=$(find_entries "$@")
	if [ -z "$entries" ]; then
		"$here/need" --update
		entries=$(find_entries "$@")
	fi
	[ -n "$entries" ] || die "apt's configuration has no entry for Debian $base"
	echo "$entries"
}

# Writes the entry $1 (as find_entries prints it) again, for the suite $2 and of
# the type $3, deb or deb-src. The number counts stanzas in a .sources file and
# lines in a .list file. apt takes a version that two suites have from the first
# entry that was written.
write_entry() (
	mkdir -p "$work/entries"
	file=${1%:*}
	number=${1##*:}
	place=$(printf %03d "$(find "$work/entries" -type f | wc -l)")
	case $file in
	*.sources)
		grep -v '^#' "$file" | awk -v RS= -v number="$number" 'NR == number' |
			awk '
				/^[^ \t]/ { skip = 0 }
				tolower($1) ~ /^(types|suites|components|architectures):$/ { skip = 1 }
				!skip'
		printf '%s\n' "Types: $3" "Suites: $2" 'Components: main'
		;;
	*)
		sed -n -E -e "$number!d" -e 's/\<arch *[+-]?=[^] ]*//' -e 's/\[ *\]//' \
			-e "s,^ *deb +((\[[^]]*\] *)?[^ ]+) .*,$3 \1 $2 main,p" "$file"
		;;
	esac >"$work/entries/$place.${file##*.}"
)

# Runs an apt tool, $1, without the lock that the script may hold as file 9. What is
# installed it still asks of the machine's dpkg, but for another architecture
# nothing is.
private_apt() (
	tool=$1
	shift
	mkdir -p "$work/apt/lists/partial" "$work/apt/archives/partial"
	status=/var/lib/dpkg/status
	if [ -n "$foreign" ]; then
		status=$work/apt/status
		touch "$status"
		set -- -o "APT::Architecture=$foreign" -o "APT::Architectures=$foreign" "$@"
	fi
	"$tool" -o Dir::Etc::sourcelist=/dev/null \
		-o Dir::Etc::sourceparts="$work/entries" \
		-o Dir::State="$work/apt" \
		-o Dir::State::status="$status" \
		-o Dir::Cache="$work/apt" \
		-o APT::Sandbox::User=root \
		-o Debug::NoLocking=true \
		"$@" 9>&-
)

# Runs apt-get, silent unless it fails; then dies with the message $1.
private_apt_get() {
	message=$1
	shift
	private_apt apt-get -qy "$@" >"$work/apt.log" 2>&1 || {
		cat "$work/apt.log" >&2
		die "$message"
	}
}

# Makes private_apt know the packages of the release, with its updates and
# security.
set_up_apt() {
	debian_entries '' -updates -security >"$work/suites"
	while read -r entry suite; do
		write_entry "$entry" "$suite" deb
	done <"$work/suites"
	private_apt_get "apt-get update failed" update
}
