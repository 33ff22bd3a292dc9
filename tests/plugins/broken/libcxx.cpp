// SPDX-License-Identifier: Apache-2.0
// Stands in for libc++, whose symbols have no versions.

extern "C" __attribute__((visibility("default"))) int of_libcxx();
int of_libcxx() { return 3; }
