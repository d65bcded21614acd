#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The style that can be checked: include rule, format, size, cppcheck, shellcheck.
set -u
cd "$(dirname "$0")/.." || exit 2
failed=0

complain() {
	printf 'lint: %s\n' "$1"
	failed=1
}

# Which folder may include which stands in the Makefile, once.
may_use() {
	sed -n "s/^MAY_USE_$1 *:=//p" Makefile
}

for layer in base model client track store source sink cli; do
	allowed=" $layer $(may_use "$layer") "
	while IFS=: read -r file line folder; do
		case "$allowed" in
		*" $folder "*) ;;
		*) complain "$file:$line: $layer/ may not include $folder/" ;;
		esac
	done < <(grep -rnHoP --include='*.[ch]' '^#include "\K[a-z]+(?=/)' "agent/$layer" | grep -v ':bpf$')
done
while read -r file; do
	case "$file" in
	agent/source/kernel/*) ;;
	*) complain "$file: only the kernel source may include bpf/" ;;
	esac
done < <(grep -rl --include='*.[ch]' '^#include "bpf/' agent)

sources=$(git ls-files -co --exclude-standard 'agent/*.[ch]' 'bpf/*.[ch]' 'tests/*.[ch]')
# shellcheck disable=SC2086
clang-format --dry-run -Werror $sources 2>&1 | grep -E 'error' | cut -d: -f1 | sort -u | while read -r file; do
	printf 'lint: %s: run make fmt\n' "$file"
done
# shellcheck disable=SC2086
clang-format --dry-run -Werror $sources >/dev/null 2>&1 || failed=1

while read -r lines file; do
	[ "$file" != total ] && [ "$lines" -gt 500 ] && complain "$file: $lines lines, one idea reads better"
done < <(git ls-files -co --exclude-standard '*.c' '*.h' '*.py' '*.sh' | xargs wc -l)

while read -r file; do
	head -n 3 "$file" | grep -q SPDX-License-Identifier || complain "$file: no SPDX line"
done < <(git ls-files -co --exclude-standard '*.c' '*.h' '*.py' '*.sh' '*.proto' Makefile '*.mk' \
	'deploy/*.yaml' '*.service' '*.scd' '*.bash' deploy/kubectl/kubectl-nodewake deploy/image/Containerfile)

# cppcheck 2.10 does not follow HASH_ITER, cleanup attributes and compound literals: hence the last line
cppcheck --quiet --error-exitcode=1 --inline-suppr --enable=warning,performance,portability \
	--std=c11 --suppress=missingIncludeSystem --suppress=unknownMacro --suppress=syntaxError \
	--suppress=internalAstError --suppress=nullPointerRedundantCheck -I agent \
	--suppress=uninitvar --suppress=legacyUninitvar --suppress=memleak --suppress=resourceLeak --suppress=unknownEvaluationOrder \
	agent || complain "cppcheck has found something"

git ls-files -co --exclude-standard '*.sh' .ci/run deploy/kubectl/kubectl-nodewake deploy/completion/nodewake.bash |
	xargs shellcheck || complain "shellcheck has found something"

[ "$failed" -eq 0 ] && echo "lint: clean"
exit "$failed"
