# SPDX-License-Identifier: Apache-2.0
"""Everything that goes onto a disk or into a ramdisk, made from Debian's packages and out/."""
