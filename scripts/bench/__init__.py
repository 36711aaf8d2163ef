# SPDX-License-Identifier: Apache-2.0
"""`make bench`: Hospes and Debian's Xen side by side, on the same machine, kernel, ramdisk and work."""
