#!/bin/sh
# Whether the manual page has every command and option that the program has, and no other.
# Usage: manual.sh PROGRAM PAGE
set -eu
program=$1 page=$2
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

# "COMMAND -option" for each option in the text of --help, and "COMMAND" alone.
words_of_help() {
    awk '$1 == "usage:" {
             command = $3
             if (command == "trace" || command == "corpus") command = command " " $4
             print command
         }
         /^  (-., )?--/ {
             for (i = 1; $i ~ /^-/; i++) {
                 sub(/,$/, "", $i)
                 if ($i != "-h" && $i != "--help") print command " " $i
             }
         }'
}

for command in $("$program" --help | sed -n 's/^  \([a-z]*\) .*/\1/p'); do
    "$program" "$command" --help
done | words_of_help | sort >"$folder/help"

# The same from the source of the page: ".It Cm trace show Ar FILE", ".It Fl o , Fl -output Ar FILE".
awk '$1 == ".Sh" { is_commands = $2 == "COMMANDS" }
     is_commands && $1 == ".It" && $2 == "Cm" {
         command = $3
         if (command == "trace" || command == "corpus") command = command " " $4
         print command
     }
     is_commands && $1 == ".It" && $2 == "Fl" {
         for (i = 2; i < NF; i++)
             if ($i == "Fl") print command " -" $(i + 1)
     }' "$page" |
    sort -u >"$folder/page"

[ "$(wc -l <"$folder/help")" -gt 30 ] || {
    echo "manual: --help has hardly any options" >&2
    exit 1
}
diff "$folder/help" "$folder/page" || {
    echo "manual: < only in --help, > only in $page" >&2
    exit 1
}
