# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh
# What tests of programs inside a kernel share, on top of run_lib.sh.
. "$(dirname "$0")/run_lib.sh"

! grep -q __asan_init "$RIVULET" || skip "the kernel's first process cannot be a sanitized one: it has no room for the shadow"
[ -x "$(dirname "$RIVULET")/kernel/rivulet-uml" ] || skip "the kernel is not built: make kernels"

export INSIDE="$RIVULET run --stack uml"
